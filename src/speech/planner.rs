//! Sentences and how they are to be said, one ahead of what is heard.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use super::plan::Plan;
use super::settings::Settings;
use super::source::Source;
use crate::engine::Engine;
use crate::text::Utterance;
use crate::voice::Voice;
use crate::{Error, Result};

/// A sentence that is ready to be rendered.
pub(super) struct Planned {
    /// Number of the sentence in its text, from 0.
    pub number: usize,
    pub utterance: Utterance,
    /// Who says it.
    pub voice: Voice,
    pub plan: Plan,
}

/// Plans the sentences of a text in order.
pub(super) struct Planner {
    pub engine: Engine,
    /// Who speaks where the text names nobody.
    pub voice: Voice,
    pub settings: Settings,
    pub source: Source,
    /// Sentences planned so far.
    pub sentences: usize,
}

impl Planner {
    fn plan(&mut self, utterance: Utterance) -> Result<Planned> {
        let voice = match &utterance.voice {
            Some(name) => self.engine.voice(name)?,
            None => self.voice.clone(),
        };
        let number = self.sentences;
        self.sentences += 1;
        let plan = Plan::new(
            self.engine.model(),
            &voice,
            &self.settings,
            &utterance,
            number,
        )?;
        Ok(Planned {
            number,
            utterance,
            voice,
            plan,
        })
    }
}

impl Iterator for Planner {
    type Item = Result<Planned>;

    fn next(&mut self) -> Option<Self::Item> {
        let utterance = self.source.next()?;
        Some(utterance.and_then(|utterance| self.plan(utterance)))
    }
}

/// Where plans come from.
pub(super) enum Plans {
    /// Each is made when it is asked for.
    OnDemand(Box<Planner>),
    /// A thread of its own makes the next one while the last is rendered: planning goes symbol by symbol, which keeps
    /// one core busy at most.
    Ahead {
        plans: Receiver<Result<Planned>>,
        thread: Option<JoinHandle<()>>,
    },
}

impl Plans {
    /// # Errors
    /// [`Error::Device`] if the system refuses another thread.
    pub fn new(planner: Planner) -> Result<Self> {
        if planner.engine.threads() < 2 {
            return Ok(Self::OnDemand(Box::new(planner)));
        }
        // Nobody holds a plan between the two threads, so that exactly one is made ahead.
        let (sender, plans) = sync_channel(0);
        let work = move || {
            for planned in planner {
                let failed = planned.is_err();
                // The stream has been dropped, or ends with this error.
                if sender.send(planned).is_err() || failed {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("syrinx-planner".into())
            .spawn(work);
        let thread = thread
            .map_err(|error| Error::Device(format!("no thread could be started: {error}")))?;
        Ok(Self::Ahead {
            plans,
            thread: Some(thread),
        })
    }
}

impl Iterator for Plans {
    type Item = Result<Planned>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::OnDemand(planner) => planner.next(),
            Self::Ahead { plans, thread } => plans.recv().ok().or_else(|| {
                // The thread is done, or it panicked: that must not pass for the end of the text.
                if let Some(Err(panic)) = thread.take().map(JoinHandle::join) {
                    std::panic::resume_unwind(panic);
                }
                None
            }),
        }
    }
}
