//! Keys and clicks, on a thread of their own: reading may hang in half an escape sequence, and then only this thread does.

use std::io;
use std::sync::mpsc::Sender;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use super::{Wake, terminal};
use crate::command::key::{Code, Key};
use crate::scope::pointer::Act;

/// What came from the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// The pointer did this, at this column and row.
    Pointer(Act, u16, u16),
    /// The terminal has another size.
    Resized,
    /// There is no terminal any more.
    Lost,
}

/// Listens until the terminal is lost or nobody wants to hear.
///
/// # Errors
/// Where the thread cannot be had.
pub fn listen(sender: Sender<Wake>) -> io::Result<()> {
    std::thread::Builder::new().name("input".into()).spawn(move || {
        loop {
            let input = match event::poll(Duration::from_millis(500)) {
                Ok(false) => {
                    if terminal::is_lost() {
                        Some(Input::Lost)
                    } else {
                        None
                    }
                }
                Ok(true) => event::read().map_or(Some(Input::Lost), |event| of_event(&event)),
                Err(_) => Some(Input::Lost),
            };
            let Some(input) = input else { continue };
            if sender.send(Wake::Input(input)).is_err() || input == Input::Lost {
                return;
            }
        }
    })?;
    Ok(())
}

/// What an event of the terminal means to us. A paste means nothing: text that was meant for somewhere else must press no keys.
fn of_event(event: &Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => of_key(*key).map(Input::Key),
        Event::Mouse(mouse) => of_pointer(mouse.kind).map(|act| Input::Pointer(act, mouse.column, mouse.row)),
        Event::Resize(..) => Some(Input::Resized),
        _ => None,
    }
}

fn of_pointer(kind: MouseEventKind) -> Option<Act> {
    Some(match kind {
        MouseEventKind::Down(MouseButton::Left) => Act::Press,
        MouseEventKind::Drag(MouseButton::Left) => Act::Drag,
        MouseEventKind::Up(MouseButton::Left) => Act::Release,
        MouseEventKind::ScrollUp => Act::WheelUp,
        MouseEventKind::ScrollDown => Act::WheelDown,
        _ => return None,
    })
}

fn of_key(key: KeyEvent) -> Option<Key> {
    let code = match key.code {
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::F(n) => Code::F(n),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Insert => Code::Insert,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::BackTab => return Some(Key::with(Code::Tab, false, false, true)),
        _ => return None,
    };
    let held = |modifier| key.modifiers.contains(modifier);
    Some(Key::with(code, held(KeyModifiers::CONTROL), held(KeyModifiers::ALT), held(KeyModifiers::SHIFT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_arrive_as_the_table_writes_them() {
        let press = |code, modifiers| of_event(&Event::Key(KeyEvent::new(code, modifiers)));
        for (code, modifiers, written) in [
            (KeyCode::Char('K'), KeyModifiers::SHIFT, "K"),
            (KeyCode::Char(' '), KeyModifiers::NONE, "space"),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, "ctrl+c"),
            (KeyCode::BackTab, KeyModifiers::SHIFT, "shift+tab"),
            (KeyCode::Enter, KeyModifiers::NONE, "enter"),
        ] {
            assert_eq!(press(code, modifiers), Some(Input::Key(written.parse().unwrap())));
        }
        assert_eq!(of_event(&Event::Paste("q\rp".into())), None, "a paste presses no keys");
        assert_eq!(press(KeyCode::CapsLock, KeyModifiers::NONE), None);
    }
}
