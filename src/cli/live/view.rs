//! The view on the terminal, and its keys.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::{cursor, queue, style, terminal};

use crate::cli::Failure;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Key {
    Quit,
    Mute,
    Bypass,
    Voice(isize),
    Pitch(f32),
}

/// Some lines at the bottom of the terminal that are drawn again and again.
pub struct View {
    lines: u16,
}

impl View {
    /// Nothing where nobody watches.
    pub fn open() -> Option<Self> {
        let watched = io::stderr().is_terminal() && io::stdin().is_terminal();
        (watched && terminal::enable_raw_mode().is_ok()).then_some(Self { lines: 0 })
    }

    /// Waits for keys, no longer than `patience`.
    pub fn keys(&mut self, patience: Duration) -> Result<Vec<Key>, Failure> {
        let mut keys = Vec::new();
        let mut wait = patience;
        while event::poll(wait).map_err(broken)? {
            if let Event::Key(pressed) = event::read().map_err(broken)?
                && pressed.kind != KeyEventKind::Release
            {
                let control = pressed.modifiers.contains(KeyModifiers::CONTROL);
                keys.extend(key(pressed.code, control));
            }
            wait = Duration::ZERO;
        }
        Ok(keys)
    }

    /// Draws over what was drawn.
    pub fn draw(&mut self, lines: &[String]) -> Result<(), Failure> {
        self.redraw(lines).map_err(broken)
    }

    fn redraw(&mut self, lines: &[String]) -> io::Result<()> {
        let width = usize::from(terminal::size()?.0).max(2) - 1;
        let mut out = io::stderr().lock();
        if self.lines > 0 {
            queue!(out, cursor::MoveUp(self.lines))?;
        }
        for line in lines {
            let line: String = line.chars().take(width).collect();
            queue!(
                out,
                cursor::MoveToColumn(0),
                terminal::Clear(terminal::ClearType::CurrentLine),
                style::Print(line),
                style::Print("\r\n")
            )?;
        }
        self.lines = lines.len() as u16;
        out.flush()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // A terminal that is gone needs no tidying.
        let _ = terminal::disable_raw_mode();
    }
}

fn key(code: KeyCode, control: bool) -> Option<Key> {
    Some(match code {
        KeyCode::Char('c') if control => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char('m') => Key::Mute,
        KeyCode::Char('b') => Key::Bypass,
        KeyCode::Char('n') | KeyCode::Right => Key::Voice(1),
        KeyCode::Char('p') | KeyCode::Left => Key::Voice(-1),
        KeyCode::Char('+' | '=') | KeyCode::Up => Key::Pitch(1.0),
        KeyCode::Char('-') | KeyCode::Down => Key::Pitch(-1.0),
        _ => return None,
    })
}

fn broken(error: io::Error) -> Failure {
    Failure::failed(format!("the terminal: {error}; use --headless without one"))
}
