//! What loopscope says without a screen: the verdicts of `check`, specimens side by side. Texts and JSON only; who prints them, and where, is decided above.

pub mod check;
pub mod side_by_side;
