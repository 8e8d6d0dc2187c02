//! What loopscope says without a screen: the verdicts of `check`. Texts and JSON only; who prints them, and where, is decided above.

pub mod check;
