//! Every action is one [`Command`]: keys, mouse, scripts and the command line only produce commands.
//!
//! The table of all commands (`table.rs`) is what footer, help, the README's key table and the list of what a scenario may do are made from.

pub mod key;
pub mod keymap;
pub mod search;
pub mod spoken;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::base::units::Nanos;
use crate::selectors::Active;
use crate::specimen::control::{FaultSetting, MitigationSetting};
use crate::telemetry::vocabulary::{Fault, Mitigation};
use crate::world::TriggerSetting;

/// What a user, a script or a file can want.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Command {
    // ---- the lab ----
    /// Put a fault into the next request's callback, or switch a standing one on.
    Inject(FaultSetting),
    /// Switch a standing fault off.
    Cure(Fault),
    /// Switch a mitigation on.
    Apply(MitigationSetting),
    /// Switch a mitigation off.
    Revoke(Mitigation),
    /// Set the load's open-loop rate, in requests a second over all clients.
    Rate(f64),
    /// Let each client send its next request when the last one is answered.
    ClosedLoop,
    /// Set the number of clients.
    Connections(u32),
    /// Half as much load again.
    LoadUp,
    /// A third less load.
    LoadDown,
    /// Send nothing new.
    PauseLoad,
    /// Go on.
    ResumeLoad,
    /// Send requests to this specimen only, and nothing new to the others: one after the other they can be compared on a small machine.
    LoadOnly,
    /// Start the specimen again, built on the next model.
    NextModel,
    /// Kill the specimen's process (SIGKILL).
    Kill,
    /// Start a new process for a specimen that is dead, or in place of the one that runs.
    Respawn,
    /// Hold the loop itself before its next callback, or let it run: its clients really wait.
    HoldLoop,
    /// Let a held loop run one callback.
    LetOne,
    /// Let a held loop run one tick.
    LetTick,
    /// Start the whole lab again from its scenario.
    Restart,
    /// Set a named mark: expectations can measure from it.
    Mark(String),
    /// Count latencies and answers of all specimens from now on.
    CountAnew,
    /// End the run (scripts), with the verdict where expectations are checked.
    Stop,

    // ---- the selectors ----
    /// More idle descriptors.
    MoreIdle,
    /// Fewer.
    FewerIdle,
    /// So many, or as near to it as can be had.
    Idle(u32),
    /// Another number of active ones: 1, 100, all.
    NextActive,
    /// So many active ones.
    Active(Active),
    /// Forget what was measured of the selectors, and measure it again.
    MeasureAgain,

    // ---- which lesson ----
    /// Run the scenario with this id.
    Open(String),
    /// The next lesson.
    NextLesson,
    /// The lesson before.
    PreviousLesson,
    /// Back to the list of lessons.
    Home,
    /// The next step of the lesson.
    NextStep,
    /// The step before.
    PreviousStep,
    /// Answer the question of this step with choice number so and so, from 0.
    Answer(u8),
    /// Show the next hint of the task.
    Hint,
    /// Have done what this step asks for: what it has one try, or what solves its task.
    Solve,
    /// Go to the review questions of the lesson, or back from them.
    Review,

    // ---- the view ----
    /// Show the screen of this number, from 0.
    Screen(u8),
    /// Show the selectors, or go back from them.
    Selectors,
    /// Show the next screen; after the last the first.
    NextScreen,
    /// Show the screen before.
    PreviousScreen,
    /// Put the rows of the table that is shown into another order.
    NextOrder,
    /// Copy the comparison of the specimens out as Markdown.
    CopyTable,
    /// Show latencies corrected for coordinated omission, or uncorrected.
    Correction,
    /// Stand still in the recorded past, or go back to the present; the loop runs on.
    Freeze,
    /// Freeze by itself, once, when this comes.
    Arm(TriggerSetting),
    /// Wait for nothing.
    Disarm,
    /// Arm what was armed last once more, and go back to the present.
    Rearm,
    /// To where the trigger struck last.
    ToTrigger,
    /// The trigger of this entry waits for more.
    Longer,
    /// It waits for less.
    Shorter,
    /// Play the past, or stand still in it.
    Play,
    /// Play faster.
    Faster,
    /// Play slower.
    Slower,
    /// To just after the next event.
    NextEvent,
    /// Take the last event back.
    PreviousEvent,
    /// To the next beginning of a tick.
    NextTick,
    /// To the beginning of the tick before.
    PreviousTick,
    /// A little later.
    Forwards,
    /// A little earlier.
    Backwards,
    /// Much later.
    FarForwards,
    /// Much earlier.
    FarBackwards,
    /// To the beginning of the next stall.
    NextStall,
    /// To the beginning of the stall before.
    PreviousStall,
    /// To the next moment at which something begins to be the matter.
    NextFinding,
    /// To the last one before.
    PreviousFinding,
    /// To this moment.
    Seek(Nanos),
    /// To the earliest moment that is kept.
    Earliest,
    /// To the latest moment, and stand there.
    Latest,
    /// Show a stall and all of its victims on the timeline: the one at the cursor, or the last one before it.
    FrameStall,
    /// Move the timeline by so many columns and leave the cursor where it is; below zero: earlier.
    Pan(i32),
    /// A shorter stretch of the timeline: nearer.
    ZoomIn,
    /// A longer one.
    ZoomOut,
    /// Nearer, with this moment where it is.
    ZoomInAt(Nanos),
    /// Farther, with this moment where it is.
    ZoomOutAt(Nanos),
    /// Set the first mark of the timeline to the cursor, or take it away.
    FirstMark,
    /// The second one.
    SecondMark,
    /// List the events around the cursor, or put the list away.
    Details,
    /// Choose the specimen that keys act on: the next one.
    NextSpecimen,
    /// Choose the specimen of this number, from 0.
    Specimen(u8),
    /// Open or close the menu of faults.
    FaultMenu,
    /// Open or close the menu of mitigations.
    MitigationMenu,
    /// Open or close the menu of triggers.
    TriggerMenu,
    /// Open or close the help.
    Help,
    /// Type what to look for in the help.
    SearchHelp,
    /// Open or close the palette of commands.
    Palette,
    /// Add a character to what is being typed.
    Type(char),
    /// Take the last character of it back.
    Erase,
    /// Take all of it back.
    EraseAll,
    /// The entry above.
    Up,
    /// The entry below.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning of the list or page.
    First,
    /// To its end.
    Last,
    /// Take the entry.
    Select,
    /// Take the entry of this number in what is open, from 0.
    Pick(u8),
    /// To the next request of the chosen connection.
    NextRequest,
    /// To the request before.
    PreviousRequest,
    /// Type what to look for among connections.
    Filter,
    /// Show who had to wait for the last stall.
    Victims,
    /// Close what is open, or go one back.
    Back,
    /// Show what the watching itself costs, or put it away.
    OwnCost,
    /// The next theme.
    NextTheme,
    /// The next language.
    NextLanguage,
    /// Draw everything anew.
    Redraw,
    /// Give the terminal back to the shell until `fg`.
    Suspend,
    /// Leave.
    Quit,
}
