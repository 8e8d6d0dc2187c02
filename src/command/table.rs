//! The table of all commands: one row for each thing that a key, a menu or a script can ask for.
//!
//! Key map, footer, help, menus, the README's key table and the list of what a scenario's script may do are made from it, so a new command
//! is a variant of [`Command`] and a row here. The tests hold the two to each other. It knows no screen and no terminal.
//!
//! How the keys were chosen: a lower-case letter breaks something or opens something (`c` computes, `p` panics, `f` faults, `m` mitigations),
//! the capital mends or is final (`W` worker pool, `C` catch, `K` kill, `R` respawn). Digits and `Tab` turn to another
//! screen, except that a digit answers a question that is open. Pairs of signs move in the recorded past (`,` `.` events, `<` `>` ticks,
//! `[` `]` speed, `(` `)` stalls). The timeline has keys of its own, which mean nothing elsewhere. `:` opens the palette, which reaches what has no key.
//! `/` is kept free for search: in the help it searches.

use super::Command;
use super::key::Key;
use super::keymap::{Context, Keymap};
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::specimen::control::{FaultSetting, MitigationSetting};
use crate::specimen::faults;
use crate::telemetry::vocabulary::{Fault, Mitigation};
use crate::world::TriggerSetting;

/// How long the computing callback of a key press computes.
pub const COMPUTE: Nanos = Nanos::millis(800);
/// The worker threads of a pool that is switched on by a key.
pub const POOL_THREADS: u8 = 2;
/// The budget of a slice where slicing is switched on by a key.
pub const SLICE_BUDGET: Nanos = Nanos::millis(5);
/// How long a callback may hold the loop where the supervisor is switched on by a key: longer than [`COMPUTE`], which is no reason to kill.
pub const SUPERVISOR_DEADLINE: Nanos = Nanos::secs(2);
/// The high-water mark of backpressure that is switched on by a key.
pub const HIGH_WATER: u32 = 64 * 1024;
/// The read budget that is switched on by a key.
pub const READ_BUDGET: u32 = 512;
/// How long a callback of a key press waits in a blocking read.
pub const WAIT: Nanos = Nanos::millis(800);
/// The buffer of a connection that is read once, where a key says so.
pub const DRAIN_BUFFER: u32 = 1024;
/// What a leaking closure has taken along where a key says so, in KiB.
pub const CLOSURE_KIB: u32 = 256;
/// How long a request may have waited where shedding is switched on by a key.
pub const SHED_ABOVE: Nanos = Nanos::millis(50);
/// Slow senders that a key brings.
pub const SENDERS: u32 = 200;
/// How long a head may take where the header timeout is switched on by a key.
pub const HEAD_PATIENCE: Nanos = Nanos::secs(1);
/// How long a connection may be idle where the idle timeout is switched on by a key.
pub const IDLE: Nanos = Nanos::secs(2);
/// How long a callback must hold the loop for the trigger to strike, until another length is chosen.
pub const LONG_CALLBACK: Nanos = Nanos::millis(50);
/// How long a request must take for the trigger to strike, until another length is chosen.
pub const LONG_LATENCY: Nanos = Nanos::millis(100);
/// The open-loop rate that a key goes back to.
pub const RATE: f64 = 2000.0;

/// One command as something that can be asked for.
#[derive(Debug)]
pub struct Row {
    /// Its name in files, help and machine-readable output: kebab-case, unique.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// How its value comes about.
    pub make: Make,
    /// Its keys, by where they work.
    pub keys: &'static [Binding],
    /// The menu that lists it, in the order of this table.
    pub menu: Option<Menu>,
    /// Whether a scenario's script may do it.
    pub script: bool,
    /// How much its place in the footer matters (1: the most, dropped last); without it, it is in the help only.
    pub footer: Option<u8>,
    /// One or two words, for footer and menus.
    pub label: Words,
    /// One line, for the help.
    pub help: Words,
}

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Specimens and load.
    Lab,
    /// Which lesson, and where in it.
    Lesson,
    /// Where one stands in the recorded past.
    Time,
    /// What is on the screen.
    View,
}

/// A list that is opened by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Menu {
    /// What can be broken.
    Faults,
    /// What mends it.
    Mitigations,
    /// What the picture can be frozen by.
    Triggers,
}

/// How the value of a row's command comes about.
#[derive(Clone, Debug)]
pub enum Make {
    /// It is always this one.
    Fixed(Command),
    /// The digit that is pressed decides, counted from 0.
    Digit(fn(u8) -> Command),
    /// It is written out, in a script or on a command line, as in this example.
    Written(&'static str),
}

/// Keys and where they work.
#[derive(Debug)]
pub struct Binding {
    /// Where.
    pub contexts: &'static [Context],
    /// Which, as [`Key`](super::key::Key) reads them.
    pub keys: &'static [&'static str],
}

/// A text in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: &'static str,
    /// Simplified Chinese.
    pub zh: &'static str,
}

impl Words {
    /// The text in this language.
    pub const fn get(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }
}

impl Row {
    /// The command without anything more to say, where there is one.
    pub fn command(&self) -> Option<Command> {
        match &self.make {
            Fixed(command) => Some(command.clone()),
            Digit(_) | Written(_) => None,
        }
    }

    /// Whether a person can ask for it: a character is typed, not asked for, and only a script ends a run with a verdict.
    pub fn is_for_people(&self) -> bool {
        !matches!(self.id, "type" | "stop")
    }

    /// Whether it has a key in this context, as long as nobody has changed that.
    pub fn works_in(&self, context: Context) -> bool {
        self.keys.iter().any(|binding| binding.contexts.contains(&context))
    }
}

/// The row of this id.
pub fn by_id(id: &str) -> Option<&'static Row> {
    COMMANDS.iter().find(|row| row.id == id)
}

/// The row that a command belongs to: the one that says exactly this, else the one of its kind.
pub fn of(command: &Command) -> Option<&'static Row> {
    COMMANDS
        .iter()
        .find(|row| row.command().as_ref() == Some(command))
        .or_else(|| COMMANDS.iter().find(|row| row.sample().is_some_and(|sample| same_action(&sample, command))))
        .or_else(|| COMMANDS.iter().find(|row| row.sample().is_some_and(|sample| sample.variant() == command.variant())))
}

/// Whether two commands do the same but for how much: the same fault, the same mitigation.
fn same_action(a: &Command, b: &Command) -> bool {
    match (a, b) {
        (Command::Inject(a), Command::Inject(b)) => a.kind() == b.kind(),
        (Command::Apply(a), Command::Apply(b)) => a.kind() == b.kind(),
        (Command::Arm(a), Command::Arm(b)) => a.kind() == b.kind(),
        _ => false,
    }
}

/// The entries of a menu.
pub fn menu(menu: Menu) -> impl Iterator<Item = &'static Row> {
    COMMANDS.iter().filter(move |row| row.menu == Some(menu))
}

/// What the footer shows in this context, in the order of the table. Where room is short, those with the highest numbers go first.
pub fn footer(context: Context, keys: &Keymap) -> impl Iterator<Item = (&'static Row, Key, u8)> + '_ {
    COMMANDS.iter().filter_map(move |row| Some((row, keys.key(row, context)?, row.footer?)))
}

impl Row {
    /// A value of its kind: the command itself, that of the first digit, or the example.
    pub fn sample(&self) -> Option<Command> {
        match &self.make {
            Fixed(command) => Some(command.clone()),
            Digit(of) => Some(of(0)),
            Written(example) => ron::from_str(example).ok(),
        }
    }
}

/// Wherever one is.
const EVERYWHERE: &[Context] = Context::ALL;
/// Wherever characters are keys.
const UNTYPED: &[Context] = &[
    Context::Lab,
    Context::Question,
    Context::Table,
    Context::Timeline,
    Context::Compare,
    Context::Selectors,
    Context::SelectorsLesson,
    Context::SelectorsQuestion,
    Context::FaultMenu,
    Context::MitigationMenu,
    Context::TriggerMenu,
    Context::Help,
    Context::Page,
    Context::Home,
];
/// Where characters are text.
const TYPED: &[Context] = &[Context::HelpSearch, Context::Palette, Context::Filter];
/// Before the running lab, with nothing open.
pub(super) const LAB: &[Context] = &[Context::Lab, Context::Question, Context::Table, Context::Timeline, Context::Compare];
/// Before the selectors, with nothing open.
const SELECTORS: &[Context] = &[Context::Selectors, Context::SelectorsLesson, Context::SelectorsQuestion];
/// Before the running lab or the selectors, with nothing open.
const AROUND: &[Context] = &[
    Context::Lab,
    Context::Question,
    Context::Table,
    Context::Timeline,
    Context::Compare,
    Context::Selectors,
    Context::SelectorsLesson,
    Context::SelectorsQuestion,
];
/// Where the lesson is in sight, with nothing open.
const LESSON: &[Context] = &[Context::Lab, Context::Question, Context::SelectorsLesson, Context::SelectorsQuestion];
/// Where digits turn to a screen: nothing is open and nothing is asked.
const SCREENS: &[Context] =
    &[Context::Lab, Context::Table, Context::Timeline, Context::Compare, Context::Selectors, Context::SelectorsLesson];
/// Before a table.
const TABLE: &[Context] = &[Context::Table];
/// Where latencies are looked at, but on the timeline, which counts nothing.
const COUNTED: &[Context] = &[Context::Lab, Context::Question, Context::Compare];
/// Before the timeline.
const TIMELINE: &[Context] = &[Context::Timeline];
/// Before the running lab, also with a menu open.
const LAB_AND_MENUS: &[Context] = &[
    Context::Lab,
    Context::Question,
    Context::Table,
    Context::Timeline,
    Context::Compare,
    Context::FaultMenu,
    Context::MitigationMenu,
    Context::TriggerMenu,
];
/// Where there is a list or a page to move in.
const LISTS: &[Context] = &[
    Context::Table,
    Context::Timeline,
    Context::Compare,
    Context::FaultMenu,
    Context::MitigationMenu,
    Context::TriggerMenu,
    Context::Home,
    Context::Help,
    Context::Page,
];
/// Where what is shown may be longer than the screen.
const LONG: &[Context] = &[Context::Help, Context::HelpSearch, Context::Palette, Context::Page];
/// In a page about one thing.
const PAGE: &[Context] = &[Context::Page];
/// In the help.
const HELP: &[Context] = &[Context::Help];
/// Where there are entries to take.
const ENTRIES: &[Context] = &[Context::FaultMenu, Context::MitigationMenu, Context::TriggerMenu, Context::Home];
/// In the list of triggers.
const TRIGGERS: &[Context] = &[Context::TriggerMenu];
/// While the lesson waits for an answer.
const QUESTION: &[Context] = &[Context::Question, Context::SelectorsQuestion];

const fn words(en: &'static str, zh: &'static str) -> Words {
    Words { en, zh }
}

/// A row without menu, script and footer; the rows below say what differs.
const fn row(id: &'static str, group: Group, make: Make, keys: &'static [Binding], label: Words, help: Words) -> Row {
    Row { id, group, make, keys, menu: None, script: false, footer: None, label, help }
}

impl Row {
    const fn in_menu(mut self, menu: Menu) -> Self {
        self.menu = Some(menu);
        self
    }

    const fn in_script(mut self) -> Self {
        self.script = true;
        self
    }

    const fn in_footer(mut self, importance: u8) -> Self {
        self.footer = Some(importance);
        self
    }
}

macro_rules! keys {
    ($($contexts:ident: $($key:literal)+),*) => { &[$(Binding { contexts: $contexts, keys: &[$($key),+] }),*] };
}

use Group::{Lab, Lesson, Time, View};
use Make::{Digit, Fixed, Written};

/// Every command, in the order of menus, footer and help.
pub static COMMANDS: &[Row] = &[
    // ---- what breaks ----------------------------------------------------------------------------------------------
    row(
        "fault-menu",
        View,
        Fixed(Command::FaultMenu),
        keys!(LAB_AND_MENUS: "f"),
        words("fault", "故障"),
        words("open or close the list of faults", "打开或关闭故障列表"),
    )
    .in_footer(2),
    row(
        "compute",
        Lab,
        Fixed(Command::Inject(FaultSetting::Compute { busy: COMPUTE })),
        keys!(LAB_AND_MENUS: "c"),
        words("compute 800 ms", "计算 800 ms"),
        words("the next request's callback burns CPU for 800 ms", "下一个请求的回调占用 CPU 800 ms"),
    )
    .in_menu(Menu::Faults)
    .in_script()
    .in_footer(9),
    row(
        "endless-loop",
        Lab,
        Fixed(Command::Inject(FaultSetting::EndlessLoop)),
        keys!(LAB_AND_MENUS: "e"),
        words("endless loop", "死循环"),
        words("the next request's callback never returns", "下一个请求的回调永不返回"),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "panic",
        Lab,
        Fixed(Command::Inject(FaultSetting::Panic)),
        keys!(LAB_AND_MENUS: "p"),
        words("panic", "panic"),
        words("the next request's callback panics", "下一个请求的回调 panic"),
    )
    .in_menu(Menu::Faults)
    .in_script()
    .in_footer(10),
    row(
        "forgotten-drain",
        Lab,
        Fixed(Command::Inject(FaultSetting::ForgottenDrain { buffer: DRAIN_BUFFER })),
        keys!(LAB_AND_MENUS: "d"),
        words("forgotten drain", "忘了读完"),
        words(
            "read a readable connection once, 1024 bytes, instead of until EAGAIN; the key switches it on and off",
            "可读的连接只读一次,最多 1024 字节,不再读到 EAGAIN;按键开关",
        ),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "blocking-read",
        Lab,
        Fixed(Command::Inject(FaultSetting::BlockingRead { wait: WAIT })),
        keys!(LAB_AND_MENUS: "b"),
        words("blocking read", "阻塞读"),
        words("the next request's callback waits 800 ms in a blocking read", "下一个请求的回调在阻塞的 read 里等 800 ms"),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "fd-leak",
        Lab,
        Fixed(Command::Inject(FaultSetting::FdLeak)),
        keys!(LAB_AND_MENUS: "o"),
        words("descriptor leak", "描述符泄漏"),
        words(
            "never close a connection that its peer has closed, and keep no descriptor in reserve; the key switches it on and off",
            "对端关闭的连接永不关闭,也不预留描述符;按键开关",
        ),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "rejected-promise",
        Lab,
        Fixed(Command::Inject(FaultSetting::RejectedPromise)),
        keys!(LAB_AND_MENUS: "u"),
        words("rejected promise", "无人处理的 rejection"),
        words(
            "the next request waits on a promise that is rejected, and nobody handles it",
            "下一个请求等待的 promise 被拒绝,而且没有人处理",
        ),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "forgotten-branch",
        Lab,
        Fixed(Command::Inject(FaultSetting::ForgottenBranch)),
        keys!(LAB_AND_MENUS: "y"),
        words("forgotten branch", "漏写的分支"),
        words(
            "in /chain as nested callbacks, one error branch answers nobody; the key switches it on and off",
            "嵌套回调写的 /chain 里,有一个错误分支没有响应任何人;按键开关",
        ),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "closure-leak",
        Lab,
        Fixed(Command::Inject(FaultSetting::ClosureLeak { kib: CLOSURE_KIB })),
        keys!(LAB_AND_MENUS: "w"),
        words("closure leak", "闭包泄漏"),
        words(
            "give each new connection a session and a callback of 256 KiB that own each other; the key switches it on and off",
            "每个新连接有一个会话和一个 256 KiB 的回调,互相持有;按键开关",
        ),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "slow-senders",
        Lab,
        Fixed(Command::Inject(FaultSetting::SlowSenders { senders: SENDERS })),
        keys!(LAB_AND_MENUS: "v"),
        words("slow senders", "慢速发送者"),
        words(
            "let 200 more clients send the head of a request byte by byte, and never finish it; the key switches it on and off",
            "另有 200 个客户端一个字节一个字节地发请求头,永远发不完;按键开关",
        ),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "unbounded-responses",
        Lab,
        Fixed(Command::Inject(FaultSetting::UnboundedResponses)),
        keys!(LAB_AND_MENUS: "a"),
        words("unbounded answers", "响应无上限"),
        words(
            "answer into memory, whether or not the peer reads; the key switches it on and off",
            "不管对端读不读,响应都往内存里堆;按键开关",
        ),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "greedy-peer",
        Lab,
        Fixed(Command::Inject(FaultSetting::GreedyPeer)),
        keys!(LAB_AND_MENUS: "g"),
        words("greedy peer", "贪婪的对端"),
        words(
            "one more client sends requests without end and waits for no answer; the key switches it on and off",
            "多一个客户端,不停地发请求,从不等响应;按键开关",
        ),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    row(
        "cure",
        Lab,
        Written("Cure(ForgottenDrain)"),
        keys!(),
        words("cure", "消除故障"),
        words("switch a standing fault off", "关闭一个持续存在的故障"),
    )
    .in_script(),
    row(
        "kill",
        Lab,
        Fixed(Command::Kill),
        keys!(LAB_AND_MENUS: "K"),
        words("kill -9", "kill -9"),
        words("kill the specimen's process (SIGKILL)", "杀死样本进程(SIGKILL)"),
    )
    .in_menu(Menu::Faults)
    .in_script(),
    // ---- what mends -----------------------------------------------------------------------------------------------
    row(
        "mitigation-menu",
        View,
        Fixed(Command::MitigationMenu),
        keys!(LAB_AND_MENUS: "m"),
        words("mitigate", "对策"),
        words("open or close the list of mitigations", "打开或关闭对策列表"),
    )
    .in_footer(3),
    row(
        "worker-pool",
        Lab,
        Fixed(Command::Apply(MitigationSetting::WorkerPool { threads: POOL_THREADS })),
        keys!(LAB_AND_MENUS: "W"),
        words("worker pool", "工作线程池"),
        words("hand computing work to 2 worker threads; the key switches it on and off", "把计算交给 2 个工作线程;按键开关"),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "slicing",
        Lab,
        Fixed(Command::Apply(MitigationSetting::Slicing { budget: SLICE_BUDGET })),
        keys!(LAB_AND_MENUS: "S"),
        words("slicing", "任务分片"),
        words(
            "do computing work in slices of 5 ms, one a tick; the key switches it on and off",
            "把计算切成 5 ms 一片,每个 tick 做一片;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "catch-panic",
        Lab,
        Fixed(Command::Apply(MitigationSetting::CatchPanic)),
        keys!(LAB_AND_MENUS: "C"),
        words("catch panics", "捕获 panic"),
        words(
            "catch a panic at the callback's edge: 500 for that connection only; the key switches it on and off",
            "在回调边缘捕获 panic:只有该连接得到 500;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "supervisor",
        Lab,
        Fixed(Command::Apply(MitigationSetting::Supervisor { deadline: SUPERVISOR_DEADLINE })),
        keys!(LAB_AND_MENUS: "U"),
        words("supervisor", "监督进程"),
        words(
            "kill the process when its loop is stuck for 2 s, and replace it whenever it dies; the key switches it on and off",
            "循环卡住 2 s 就杀死进程,进程一死就换新的;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "read-until-eagain",
        Lab,
        Fixed(Command::Apply(MitigationSetting::ReadUntilEagain)),
        keys!(LAB_AND_MENUS: "D"),
        words("read until EAGAIN", "读到 EAGAIN"),
        words(
            "read a readable connection until the kernel has no more; the key switches it on and off",
            "可读的连接一直读到内核里没有数据为止;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "non-blocking",
        Lab,
        Fixed(Command::Apply(MitigationSetting::NonBlocking)),
        keys!(LAB_AND_MENUS: "B"),
        words("non-blocking", "非阻塞"),
        words(
            "register what must be waited for with the loop instead of reading it at once; the key switches it on and off",
            "需要等待的描述符注册到循环上,不立刻去读;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "rejection-hook",
        Lab,
        Fixed(Command::Apply(MitigationSetting::RejectionHook { die: false })),
        keys!(LAB_AND_MENUS: "J"),
        words("rejection hook", "rejection 钩子"),
        words(
            "write a rejection that nobody handled to standard error; the key switches it on and off",
            "把无人处理的 rejection 写到标准错误;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "close-on-eof",
        Lab,
        Fixed(Command::Apply(MitigationSetting::CloseOnEof)),
        keys!(LAB_AND_MENUS: "E"),
        words("close on EOF", "读到 EOF 就关闭"),
        words(
            "close and deregister a connection when its end has been read; the key switches it on and off",
            "读到对端关闭就关闭并注销连接;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "catch-at-end",
        Lab,
        Fixed(Command::Apply(MitigationSetting::CatchAtEnd)),
        keys!(LAB_AND_MENUS: "G"),
        words("catch at the end", "末尾加 catch"),
        words(
            "end each chain of promises with a catch that answers 502; the key switches it on and off",
            "每条 promise 链末尾加一个 catch,响应 502;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "idle-timeout",
        Lab,
        Fixed(Command::Apply(MitigationSetting::IdleTimeout { after: IDLE })),
        keys!(LAB_AND_MENUS: "I"),
        words("idle timeout", "空闲超时"),
        words(
            "close connections on which nothing has happened for 2 s; the key switches it on and off",
            "关闭 2 s 没有动静的连接;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "promise-chain",
        Lab,
        Fixed(Command::Apply(MitigationSetting::PromiseChain)),
        keys!(LAB_AND_MENUS: "P"),
        words("promise chain", "promise 链"),
        words(
            "run /chain as a chain of promises instead of nested callbacks; the key switches it on and off",
            "用 promise 链代替嵌套回调来写 /chain;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "reserve-descriptor",
        Lab,
        Fixed(Command::Apply(MitigationSetting::ReserveDescriptor)),
        keys!(LAB_AND_MENUS: "V"),
        words("reserve descriptor", "预留描述符"),
        words(
            "keep one descriptor to turn connections away when there are no others; the key switches it on and off",
            "预留一个描述符,用尽时好把新连接立即关闭;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "async-await",
        Lab,
        Fixed(Command::Apply(MitigationSetting::AsyncAwait)),
        keys!(LAB_AND_MENUS: "A"),
        words("async/await", "async/await"),
        words(
            "run /chain as an async function instead of nested callbacks; the key switches it on and off",
            "用 async 函数代替嵌套回调来写 /chain;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "weak-references",
        Lab,
        Fixed(Command::Apply(MitigationSetting::WeakReferences)),
        keys!(LAB_AND_MENUS: "Y"),
        words("weak references", "弱引用"),
        words(
            "let a session's callback know its session without owning it; the key switches it on and off",
            "会话的回调只弱引用会话,不持有它;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "explicit-release",
        Lab,
        Fixed(Command::Apply(MitigationSetting::ExplicitRelease)),
        keys!(LAB_AND_MENUS: "Z"),
        words("explicit release", "显式释放"),
        words(
            "let a session give up its callback when its connection closes; the key switches it on and off",
            "连接关闭时,会话主动放开它的回调;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "shedding",
        Lab,
        Fixed(Command::Apply(MitigationSetting::Shedding { above: SHED_ABOVE })),
        keys!(LAB_AND_MENUS: "F"),
        words("shedding", "过载丢弃"),
        words(
            "answer 503 at once to a request that has waited more than 50 ms; the key switches it on and off",
            "等待超过 50 ms 的请求立即得到 503;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "header-timeout",
        Lab,
        Fixed(Command::Apply(MitigationSetting::HeaderTimeout { after: HEAD_PATIENCE })),
        keys!(LAB_AND_MENUS: "M"),
        words("header timeout", "请求头超时"),
        words(
            "answer 408 and close where a request's head is not whole in 1 s; the key switches it on and off",
            "请求头 1 s 内没有到齐,就回 408 并关闭;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "backpressure",
        Lab,
        Fixed(Command::Apply(MitigationSetting::Backpressure { high_water: HIGH_WATER })),
        keys!(LAB_AND_MENUS: "Q"),
        words("backpressure", "背压"),
        words(
            "stop reading a connection while more than 64 KiB of its answers is unsent; the key switches it on and off",
            "某个连接未发出的响应超过 64 KiB 就暂停读它;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "read-budget",
        Lab,
        Fixed(Command::Apply(MitigationSetting::ReadBudget { bytes: READ_BUDGET })),
        keys!(LAB_AND_MENUS: "$"),
        words("read budget", "读取配额"),
        words(
            "read at most 512 bytes of a connection in one tick; the key switches it on and off",
            "每个 tick 对一个连接最多读 512 字节;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "lock",
        Lab,
        Fixed(Command::Apply(MitigationSetting::Lock)),
        keys!(LAB: "7"),
        words("lock", "加锁"),
        words(
            "take a lock around what threads share (/count); the key switches it on and off",
            "访问线程共享的数据(/count)时加锁;按键开关",
        ),
    )
    .in_menu(Menu::Mitigations)
    .in_script(),
    row(
        "revoke",
        Lab,
        Written("Revoke(WorkerPool)"),
        keys!(),
        words("switch off", "关闭对策"),
        words("switch a mitigation off", "关闭一项对策"),
    )
    .in_script(),
    row(
        "respawn",
        Lab,
        Fixed(Command::Respawn),
        keys!(LAB_AND_MENUS: "R"),
        words("respawn", "重启进程"),
        words("start a new process for the specimen; its listening socket stays", "为样本启动新进程;监听套接字不变"),
    )
    .in_menu(Menu::Mitigations)
    .in_script()
    .in_footer(12),
    // ---- the load -------------------------------------------------------------------------------------------------
    row(
        "load-up",
        Lab,
        Fixed(Command::LoadUp),
        keys!(LAB: "+" "="),
        words("more load", "加负载"),
        words("half as much load again", "负载增加一半"),
    )
    .in_script()
    .in_footer(5),
    row(
        "load-down",
        Lab,
        Fixed(Command::LoadDown),
        keys!(LAB: "-" "_"),
        words("less load", "减负载"),
        words("a third less load", "负载减少三分之一"),
    )
    .in_script()
    .in_footer(5),
    row(
        "rate",
        Lab,
        Written("Rate(2000)"),
        keys!(),
        words("rate", "请求率"),
        words(
            "so many requests a second over all clients, at their intended times (open loop)",
            "所有客户端合计的每秒请求数,按预定时刻发送(开环)",
        ),
    )
    .in_script(),
    row(
        "open-loop",
        Lab,
        Fixed(Command::Rate(RATE)),
        keys!(LAB: "O"),
        words("open loop", "开环"),
        words("2000 requests a second, whether or not earlier ones were answered", "每秒 2000 个请求,不管先前的是否已得到响应"),
    )
    .in_script(),
    row(
        "closed-loop",
        Lab,
        Fixed(Command::ClosedLoop),
        keys!(LAB: "L"),
        words("closed loop", "闭环"),
        words("each client sends its next request when the last one is answered", "每个客户端等到上一个响应才发下一个请求"),
    )
    .in_script(),
    row(
        "connections",
        Lab,
        Written("Connections(64)"),
        keys!(),
        words("connections", "连接数"),
        words("set the number of clients", "设定客户端数量"),
    )
    .in_script(),
    row(
        "pause-load",
        Lab,
        Fixed(Command::PauseLoad),
        keys!(LAB: "x"),
        words("pause load", "暂停负载"),
        words("send nothing new", "不再发送新请求"),
    )
    .in_script(),
    row(
        "resume-load",
        Lab,
        Fixed(Command::ResumeLoad),
        keys!(LAB: "X"),
        words("resume load", "恢复负载"),
        words("go on sending", "继续发送"),
    )
    .in_script(),
    row(
        "load-only",
        Lab,
        Fixed(Command::LoadOnly),
        keys!(LAB: "8"),
        words("load this one", "只压这一个"),
        words(
            "send requests to the chosen specimen only; resume load sends to all again",
            "只向选中的服务器发送请求;恢复负载后再向全部发送",
        ),
    )
    .in_script(),
    row(
        "next-model",
        Lab,
        Fixed(Command::NextModel),
        keys!(LAB: "9"),
        words("next model", "下一种模型"),
        words(
            "start the chosen specimen again as the next model: loop, thread per connection, thread pool, workers",
            "以下一种模型重新启动选中的服务器:事件循环、每连接一线程、线程池、多进程",
        ),
    )
    .in_script(),
    row(
        "mark",
        Lab,
        Written("Mark(\"after the fault\")"),
        keys!(),
        words("mark", "标记"),
        words("name this moment; latencies are counted from it", "给这一刻命名;延迟从此刻起统计"),
    )
    .in_script(),
    row(
        "count-anew",
        Lab,
        Fixed(Command::CountAnew),
        keys!(COUNTED: "0"),
        words("count anew", "重新统计"),
        words(
            "count latencies and answers of all specimens from now on, to compare what comes after with what came before",
            "从现在起重新统计所有样本的延迟与响应数,以便比较前后",
        ),
    ),
    row(
        "hold-loop",
        Lab,
        Fixed(Command::HoldLoop),
        keys!(LAB: "|"),
        words("hold loop", "扣住循环"),
        words(
            "hold the loop itself before its next callback, or let it run; its clients really wait",
            "在下一个回调前扣住循环本身,或放行;客户端真的在等",
        ),
    ),
    row(
        "let-one",
        Lab,
        Fixed(Command::LetOne),
        keys!(LAB: "\\"),
        words("one callback", "放行一个"),
        words("let a held loop run one callback, or hold it before its next one", "让被扣住的循环运行一个回调;没扣住就扣在下一个回调前"),
    ),
    row(
        "let-tick",
        Lab,
        Fixed(Command::LetTick),
        keys!(LAB: "^"),
        words("one tick", "放行一轮"),
        words("let a held loop run one tick, or hold it before its next one", "让被扣住的循环运行一轮;没扣住就扣在下一轮前"),
    ),
    row(
        "restart",
        Lab,
        Fixed(Command::Restart),
        keys!(AROUND: "r"),
        words("restart", "重新开始"),
        words("start the lab again from its scenario", "从头运行这个场景"),
    )
    .in_footer(8),
    row(
        "stop",
        Lab,
        Written("Stop"),
        keys!(),
        words("stop", "结束"),
        words("end the run, with the verdict where expectations are checked", "结束运行;在 check 中给出判定"),
    )
    .in_script(),
    // ---- the selectors --------------------------------------------------------------------------------------------
    row(
        "more-idle",
        Lab,
        Fixed(Command::MoreIdle),
        keys!(SELECTORS: "right" "+" "="),
        words("more idle", "增加空闲"),
        words("selectors: more idle descriptors", "选择器:增加空闲描述符"),
    )
    .in_script()
    .in_footer(2),
    row(
        "fewer-idle",
        Lab,
        Fixed(Command::FewerIdle),
        keys!(SELECTORS: "left" "-" "_"),
        words("fewer idle", "减少空闲"),
        words("selectors: fewer idle descriptors", "选择器:减少空闲描述符"),
    )
    .in_script()
    .in_footer(2),
    row(
        "idle",
        Lab,
        Written("Idle(10000)"),
        keys!(),
        words("idle descriptors", "空闲描述符"),
        words("selectors: so many idle descriptors, as far as the limits go", "选择器:设定空闲描述符的数量,以系统限制为界"),
    )
    .in_script(),
    row(
        "fewest-idle",
        Lab,
        Fixed(Command::Idle(0)),
        keys!(SELECTORS: "home"),
        words("fewest idle", "最少空闲"),
        words("selectors: the fewest idle descriptors", "选择器:空闲描述符最少"),
    )
    .in_script(),
    row(
        "most-idle",
        Lab,
        Fixed(Command::Idle(u32::MAX)),
        keys!(SELECTORS: "end"),
        words("most idle", "最多空闲"),
        words("selectors: as many idle descriptors as the limits allow", "选择器:空闲描述符增加到系统限制为止"),
    )
    .in_script(),
    row(
        "next-active",
        Lab,
        Fixed(Command::NextActive),
        keys!(SELECTORS: "a"),
        words("active: 1, 100, all", "活跃:1、100、全部"),
        words("selectors: let 1 descriptor be active, or 100, or all of them", "选择器:让 1 个、100 个或全部描述符活跃"),
    )
    .in_script()
    .in_footer(3),
    row(
        "active",
        Lab,
        Written("Active(\"all\")"),
        keys!(),
        words("active descriptors", "活跃描述符"),
        words("selectors: so many active descriptors: 1, 100 or all", "选择器:设定活跃描述符的数量:1、100 或 all"),
    )
    .in_script(),
    row(
        "measure-again",
        Lab,
        Fixed(Command::MeasureAgain),
        keys!(SELECTORS: "0"),
        words("measure again", "重新测量"),
        words("selectors: forget what was measured, and measure it again", "选择器:丢弃已测得的结果,重新测量"),
    )
    .in_script()
    .in_footer(10),
    // ---- the lesson -----------------------------------------------------------------------------------------------
    row(
        "next-step",
        Lesson,
        Fixed(Command::NextStep),
        keys!(LESSON: "enter"),
        words("next step", "下一步"),
        words("the next step of the lesson", "课程的下一步"),
    )
    .in_footer(6),
    row(
        "previous-step",
        Lesson,
        Fixed(Command::PreviousStep),
        keys!(LESSON: "backspace"),
        words("step back", "上一步"),
        words("the step before", "课程的上一步"),
    ),
    row(
        "answer",
        Lesson,
        Digit(Command::Answer),
        keys!(QUESTION: "1" "2" "3" "4" "5" "6"),
        words("answer", "回答"),
        words("answer the question of this step", "回答这一步的问题"),
    )
    .in_footer(1),
    row(
        "hint",
        Lesson,
        Fixed(Command::Hint),
        keys!(LESSON: ";"),
        words("hint", "提示"),
        words("show the next hint of the task", "显示任务的下一条提示"),
    ),
    row(
        "solve",
        Lesson,
        Fixed(Command::Solve),
        keys!(LESSON: "~"),
        words("do it for me", "替我做"),
        words("do what this step asks for: what it has one try, or what solves its task", "替你做这一步要做的事:试一试的操作,或任务的解法"),
    ),
    row(
        "review",
        Lesson,
        Fixed(Command::Review),
        keys!(LESSON: "@"),
        words("review", "复习"),
        words("go to the lesson's review questions, or back", "跳到本课的复习题,或返回"),
    ),
    row(
        "next-lesson",
        Lesson,
        Fixed(Command::NextLesson),
        keys!(AROUND: "n"),
        words("next lesson", "下一课"),
        words("the next lesson", "下一课"),
    )
    .in_footer(7),
    row(
        "previous-lesson",
        Lesson,
        Fixed(Command::PreviousLesson),
        keys!(AROUND: "N"),
        words("lesson before", "上一课"),
        words("the lesson before", "上一课"),
    ),
    row(
        "open",
        Lesson,
        Written("Open(\"01-healthy-loop\")"),
        keys!(),
        words("open", "打开"),
        words("run the scenario of this id", "运行这个编号的场景"),
    ),
    row(
        "home",
        Lesson,
        Fixed(Command::Home),
        keys!(AROUND: "H"),
        words("lessons", "课程列表"),
        words("back to the list of lessons", "回到课程列表"),
    )
    .in_footer(13),
    // ---- the past -------------------------------------------------------------------------------------------------
    row(
        "freeze",
        Time,
        Fixed(Command::Freeze),
        keys!(LAB: "space"),
        words("freeze", "定格"),
        words("stand still in the recorded past, or go back to live; the loop runs on", "停在已记录的过去,或回到现在;循环照常运行"),
    )
    .in_footer(4),
    row(
        "trigger-menu",
        View,
        Fixed(Command::TriggerMenu),
        keys!(LAB_AND_MENUS: "T"),
        words("trigger", "触发"),
        words(
            "open or close the list of triggers, which freeze the picture by themselves, once",
            "打开或关闭触发列表:条件一到就自动定格,只触发一次",
        ),
    )
    .in_footer(10),
    row(
        "on-stall",
        Time,
        Fixed(Command::Arm(TriggerSetting::Stall { over: LONG_CALLBACK })),
        keys!(),
        words("stall", "停顿"),
        words("freeze at the moment at which a callback has held the loop for so long", "回调占住循环达到这么久的那一刻定格"),
    )
    .in_menu(Menu::Triggers)
    .in_script(),
    row(
        "on-slow",
        Time,
        Fixed(Command::Arm(TriggerSetting::Latency { over: LONG_LATENCY })),
        keys!(),
        words("slow request", "慢请求"),
        words("freeze when a request ends that took longer than this since it was due", "有请求从应发时算起超过这么久才结束时定格"),
    )
    .in_menu(Menu::Triggers)
    .in_script(),
    row(
        "on-panic",
        Time,
        Fixed(Command::Arm(TriggerSetting::Panic)),
        keys!(),
        words("panic", "panic"),
        words("freeze in the callback that panics, caught or not", "在 panic 的回调里定格,不管有没有被捕获"),
    )
    .in_menu(Menu::Triggers)
    .in_script(),
    row(
        "on-death",
        Time,
        Fixed(Command::Arm(TriggerSetting::Death)),
        keys!(),
        words("death", "进程死亡"),
        words("freeze when a server's process ends, however it does", "服务器进程结束时定格,不管怎样结束"),
    )
    .in_menu(Menu::Triggers)
    .in_script(),
    row(
        "on-error",
        Time,
        Fixed(Command::Arm(TriggerSetting::ClientError)),
        keys!(),
        words("client error", "客户端错误"),
        words(
            "freeze when a client's request fails: a status of 400 or above, a timeout, a connection that is cut off",
            "客户端的请求失败时定格:状态码 400 以上、超时或连接断开",
        ),
    )
    .in_menu(Menu::Triggers)
    .in_script(),
    row(
        "on-lost",
        Time,
        Fixed(Command::Arm(TriggerSetting::LostEvents)),
        keys!(),
        words("lost events", "丢失事件"),
        words("freeze when telemetry is dropped: what is shown has a gap there", "遥测被丢弃时定格:画面在那里有缺口"),
    )
    .in_menu(Menu::Triggers)
    .in_script(),
    row("disarm", Time, Fixed(Command::Disarm), keys!(), words("disarm", "解除触发"), words("wait for nothing", "不再等待任何条件"))
        .in_menu(Menu::Triggers)
        .in_script(),
    row(
        "to-trigger",
        Time,
        Fixed(Command::ToTrigger),
        keys!(),
        words("to the trigger", "回到触发处"),
        words("back to the moment at which the trigger struck last", "回到上次触发的那一刻"),
    )
    .in_menu(Menu::Triggers),
    row(
        "rearm",
        Time,
        Fixed(Command::Rearm),
        keys!(LAB: "#"),
        words("arm again", "再次待触发"),
        words("arm the last trigger once more, and go back to live", "让上次的触发条件再次生效,并回到现在"),
    )
    .in_footer(9),
    row(
        "shorter",
        View,
        Fixed(Command::Shorter),
        keys!(TRIGGERS: "left"),
        words("shorter", "更短"),
        words("in the list of triggers: wait for less", "在触发列表里:把时长调短"),
    )
    .in_footer(3),
    row(
        "longer",
        View,
        Fixed(Command::Longer),
        keys!(TRIGGERS: "right"),
        words("longer", "更长"),
        words("in the list of triggers: wait for more", "在触发列表里:把时长调长"),
    )
    .in_footer(3),
    row(
        "play",
        Time,
        Fixed(Command::Play),
        keys!(LAB: "z"),
        words("play", "播放"),
        words(
            "play the past at the speed of the last time, first a thousandth of real time; or stand still in it",
            "按上次的速度播放过去(起初为实时的千分之一),或在过去停住",
        ),
    )
    .in_footer(7),
    row(
        "slower",
        Time,
        Fixed(Command::Slower),
        keys!(LAB: "["),
        words("slower", "更慢"),
        words("play ten times slower, down to 1/100 000", "放慢十倍,最慢 1/100 000"),
    )
    .in_footer(6),
    row(
        "faster",
        Time,
        Fixed(Command::Faster),
        keys!(LAB: "]"),
        words("faster", "更快"),
        words("play ten times faster, up to ten times real time", "加快十倍,最快为实时的十倍"),
    )
    .in_footer(6),
    row(
        "previous-event",
        Time,
        Fixed(Command::PreviousEvent),
        keys!(LAB: ","),
        words("event back", "上一事件"),
        words("take the last event back", "退回上一个事件"),
    )
    .in_footer(3),
    row(
        "next-event",
        Time,
        Fixed(Command::NextEvent),
        keys!(LAB: "."),
        words("next event", "下一事件"),
        words("to just after the next event", "前进到下一个事件之后"),
    )
    .in_footer(3),
    row(
        "previous-tick",
        Time,
        Fixed(Command::PreviousTick),
        keys!(LAB: "<"),
        words("tick back", "上一轮"),
        words("to the beginning of the tick before", "退到上一轮循环的开头"),
    )
    .in_footer(5),
    row(
        "next-tick",
        Time,
        Fixed(Command::NextTick),
        keys!(LAB: ">"),
        words("next tick", "下一轮"),
        words("to the next beginning of a tick", "前进到下一轮循环的开头"),
    )
    .in_footer(5),
    row(
        "backwards",
        Time,
        Fixed(Command::Backwards),
        keys!(LAB: "left"),
        words("earlier", "更早"),
        words("10 ms earlier; on the timeline one column", "往前 10 ms(更早);在时间线画面上是一列"),
    )
    .in_footer(5),
    row(
        "forwards",
        Time,
        Fixed(Command::Forwards),
        keys!(LAB: "right"),
        words("later", "更晚"),
        words("10 ms later; on the timeline one column", "往后 10 ms(更晚);在时间线画面上是一列"),
    )
    .in_footer(5),
    row(
        "far-backwards",
        Time,
        Fixed(Command::FarBackwards),
        keys!(LAB: "{" "shift+left"),
        words("far back", "早得多"),
        words("one second earlier; on the timeline an eighth of it", "往前 1 秒(更早);在时间线画面上是八分之一屏"),
    )
    .in_footer(8),
    row(
        "far-forwards",
        Time,
        Fixed(Command::FarForwards),
        keys!(LAB: "}" "shift+right"),
        words("far on", "晚得多"),
        words("one second later; on the timeline an eighth of it", "往后 1 秒(更晚);在时间线画面上是八分之一屏"),
    )
    .in_footer(8),
    row(
        "previous-stall",
        Time,
        Fixed(Command::PreviousStall),
        keys!(LAB: "("),
        words("stall before", "上一停顿"),
        words("to the beginning of the stall before", "跳到上一次停顿的开头"),
    )
    .in_footer(4),
    row(
        "next-stall",
        Time,
        Fixed(Command::NextStall),
        keys!(LAB: ")"),
        words("next stall", "下一停顿"),
        words("to the beginning of the next stall", "跳到下一次停顿的开头"),
    )
    .in_footer(4),
    row(
        "previous-finding",
        Time,
        Fixed(Command::PreviousFinding),
        keys!(LAB: "`"),
        words("finding before", "上一发现"),
        words("to the last moment before at which something began to be the matter", "跳到之前最近一次出现问题的时刻"),
    )
    .in_footer(6),
    row(
        "next-finding",
        Time,
        Fixed(Command::NextFinding),
        keys!(LAB: "!"),
        words("next finding", "下一发现"),
        words("to the next moment at which something begins to be the matter", "跳到下一次出现问题的时刻"),
    )
    .in_footer(6),
    row(
        "frame-stall",
        Time,
        Fixed(Command::FrameStall),
        keys!(TIMELINE: "0"),
        words("frame the stall", "框住停顿"),
        words(
            "on the timeline: show the stall at the cursor, or the last one before it, with all its victims",
            "在时间线画面上:完整显示光标处(或之前最近一次)的停顿及其所有受害请求",
        ),
    )
    .in_footer(2),
    row(
        "earliest",
        Time,
        Fixed(Command::Earliest),
        keys!(TIMELINE: "home"),
        words("earliest", "最早"),
        words("on the timeline: to the earliest moment that is kept", "在时间线画面上:到保存着的最早时刻"),
    ),
    row(
        "latest",
        Time,
        Fixed(Command::Latest),
        keys!(TIMELINE: "end"),
        words("latest", "最新"),
        words("on the timeline: to the latest moment, and stand there", "在时间线画面上:到最新的时刻并停住"),
    ),
    row(
        "seek",
        Time,
        Written("Seek(\"12s\")"),
        &[],
        words("this moment", "到此时刻"),
        words("to this moment of the recorded past", "到所记录过去的这个时刻"),
    ),
    // ---- the timeline ---------------------------------------------------------------------------------------------
    row(
        "zoom-in",
        View,
        Fixed(Command::ZoomIn),
        keys!(TIMELINE: "pageup"),
        words("nearer", "放大"),
        words(
            "on the timeline: a shorter stretch, around the cursor; as the wheel does at the pointer",
            "在时间线画面上:以光标为中心放大;滚轮则以指针为中心",
        ),
    )
    .in_footer(2),
    row(
        "zoom-out",
        View,
        Fixed(Command::ZoomOut),
        keys!(TIMELINE: "pagedown"),
        words("farther", "缩小"),
        words("on the timeline: a longer stretch", "在时间线画面上:缩小,显示更长的时间"),
    )
    .in_footer(2),
    row(
        "zoom-in-at",
        View,
        Written("ZoomInAt(\"12s\")"),
        &[],
        words("nearer here", "在此放大"),
        words("a shorter stretch of the timeline around this moment", "以这个时刻为中心放大时间线"),
    ),
    row(
        "zoom-out-at",
        View,
        Written("ZoomOutAt(\"12s\")"),
        &[],
        words("farther here", "在此缩小"),
        words("a longer stretch of the timeline around this moment", "以这个时刻为中心缩小时间线"),
    ),
    row(
        "pan",
        View,
        Written("Pan(-10)"),
        &[],
        words("pan", "平移"),
        words("move the timeline by so many columns, and leave the cursor", "把时间线平移若干列,光标不动"),
    ),
    row(
        "first-mark",
        View,
        Fixed(Command::FirstMark),
        keys!(TIMELINE: "'"),
        words("mark A", "标记 A"),
        words(
            "on the timeline: set mark A to the cursor, or take it away; what lies between A and B is measured",
            "在时间线画面上:把标记 A 放到光标处,或取消;A 与 B 之间会被测量",
        ),
    )
    .in_footer(3),
    row(
        "second-mark",
        View,
        Fixed(Command::SecondMark),
        keys!(TIMELINE: "\""),
        words("mark B", "标记 B"),
        words("on the timeline: set mark B to the cursor, or take it away", "在时间线画面上:把标记 B 放到光标处,或取消"),
    )
    .in_footer(3),
    row(
        "details",
        View,
        Fixed(Command::Details),
        keys!(TIMELINE: "enter"),
        words("events", "事件"),
        words("on the timeline: list the events around the cursor, or put the list away", "在时间线画面上:列出光标前后的事件,或收起"),
    )
    .in_footer(3),
    row(
        "previous-request",
        Time,
        Fixed(Command::PreviousRequest),
        keys!(PAGE: "left"),
        words("request before", "上一请求"),
        words("to the request of the chosen connection before", "跳到所选连接的上一个请求"),
    )
    .in_footer(4),
    row(
        "next-request",
        Time,
        Fixed(Command::NextRequest),
        keys!(PAGE: "right"),
        words("next request", "下一请求"),
        words("to the next request of the chosen connection", "跳到所选连接的下一个请求"),
    )
    .in_footer(4),
    // ---- the view -------------------------------------------------------------------------------------------------
    row(
        "next-specimen",
        View,
        Fixed(Command::NextSpecimen),
        keys!(LAB_AND_MENUS: "s"),
        words("specimen", "换样本"),
        words("choose the specimen that keys act on: the next one", "选择按键所作用的样本:下一个"),
    )
    .in_footer(5),
    row(
        "specimen",
        View,
        Written("Specimen(1)"),
        &[],
        words("this specimen", "这个样本"),
        words("choose this specimen, the first being 0", "选择这个样本,第一个是 0"),
    ),
    row(
        "screen",
        View,
        Digit(Command::Screen),
        keys!(SCREENS: "1" "2" "3" "4" "5" "6"),
        words("screen", "画面"),
        words("show this screen; while a question is open, digits answer it", "切换到这个画面;有问题待答时,数字键用来回答"),
    ),
    row(
        "next-screen",
        View,
        Fixed(Command::NextScreen),
        keys!(AROUND: "tab"),
        words("screen", "换画面"),
        words("show the next screen", "切换到下一个画面"),
    )
    .in_footer(5),
    row(
        "previous-screen",
        View,
        Fixed(Command::PreviousScreen),
        keys!(AROUND: "shift+tab"),
        words("screen before", "上一画面"),
        words("show the screen before", "切换到上一个画面"),
    ),
    row(
        "selectors",
        View,
        Fixed(Command::Selectors),
        keys!(AROUND: "F2"),
        words("selectors", "选择器"),
        words(
            "epoll, poll and select: what asking costs, as a chart that grows while you drag; again: back",
            "epoll、poll 与 select:询问一次要花多少,图表随拖动增长;再按一次返回",
        ),
    )
    .in_footer(12),
    row(
        "next-order",
        View,
        Fixed(Command::NextOrder),
        keys!(TABLE: "i"),
        words("order", "排序"),
        words("put the rows of the table into another order", "换一种顺序排列表格的行"),
    )
    .in_footer(4),
    row(
        "copy-table",
        View,
        Fixed(Command::CopyTable),
        keys!(LAB: "&"),
        words("copy table", "复制表格"),
        words(
            "copy the comparison out as Markdown: to the clipboard, and into a new file",
            "以 Markdown 导出对比表:复制到剪贴板,并写入新文件",
        ),
    ),
    row(
        "correction",
        View,
        Fixed(Command::Correction),
        keys!(LAB: "*"),
        words("uncorrected", "不校正"),
        words(
            "latencies from when a request was due (corrected for coordinated omission), or from its sending; elsewhere, show them",
            "延迟从请求应发时算起(校正协同遗漏),或从实际发出时算起;在别的画面上先切换到延迟",
        ),
    ),
    row("up", View, Fixed(Command::Up), keys!(LISTS: "up" "k", TYPED: "up"), words("up", "上"), words("the entry above", "上一项"))
        .in_footer(5),
    row(
        "down",
        View,
        Fixed(Command::Down),
        keys!(LISTS: "down" "j", TYPED: "down"),
        words("down", "下"),
        words("the entry below", "下一项"),
    )
    .in_footer(5),
    row("page-up", View, Fixed(Command::PageUp), keys!(LONG: "pageup"), words("page up", "上一页"), words("a page up", "向上翻一页"))
        .in_footer(12),
    row(
        "page-down",
        View,
        Fixed(Command::PageDown),
        keys!(LONG: "pagedown"),
        words("page down", "下一页"),
        words("a page down", "向下翻一页"),
    )
    .in_footer(12),
    row("first", View, Fixed(Command::First), keys!(LONG: "home"), words("first", "开头"), words("to the beginning", "到开头")),
    row("last", View, Fixed(Command::Last), keys!(LONG: "end"), words("last", "末尾"), words("to the end", "到末尾")),
    row(
        "select",
        View,
        Fixed(Command::Select),
        keys!(ENTRIES: "enter", TABLE: "enter", PAGE: "enter", TYPED: "enter"),
        words("take it", "选定"),
        words(
            "take the entry; before a table, see the chosen connection in full, or why the chosen request was slow",
            "选定这一项；在表格前：所选连接的全貌，或所选的请求为什么慢",
        ),
    )
    .in_footer(1),
    row(
        "pick",
        View,
        Digit(Command::Pick),
        keys!(ENTRIES: "1" "2" "3" "4" "5" "6" "7" "8" "9"),
        words("pick", "直选"),
        words("take the entry of this number", "按编号选定一项"),
    ),
    row(
        "filter",
        View,
        Fixed(Command::Filter),
        keys!(TABLE: "/"),
        words("find", "查找"),
        words(
            "look for connections by number, descriptor, peer, state, or what they wait for",
            "按编号、描述符、对端、状态或在等什么来查找连接",
        ),
    )
    .in_footer(4),
    row(
        "victims",
        View,
        Fixed(Command::Victims),
        keys!(LAB: "ctrl+v"),
        words("victims", "受害请求"),
        words("show who had to wait for the last stall, and why", "显示被最近一次停顿拖住的请求,以及原因"),
    ),
    row(
        "back",
        View,
        Fixed(Command::Back),
        keys!(EVERYWHERE: "esc"),
        words("back", "返回"),
        words("close what is open, or go one back", "关闭打开的窗口,或返回上一层"),
    )
    .in_footer(11),
    row(
        "own-cost",
        View,
        Fixed(Command::OwnCost),
        keys!(UNTYPED: "%"),
        words("own cost", "观测开销"),
        words(
            "show what the watching itself costs, or put it away: events, CPU, memory, time of a picture",
            "显示或收起观测本身的开销：事件、CPU、内存、画面耗时",
        ),
    ),
    row(
        "next-theme",
        View,
        Fixed(Command::NextTheme),
        keys!(UNTYPED: "t"),
        words("theme", "主题"),
        words("the next colour theme", "下一个配色主题"),
    ),
    row(
        "next-language",
        View,
        Fixed(Command::NextLanguage),
        keys!(UNTYPED: "l"),
        words("中文", "English"),
        words("the next language", "切换语言"),
    )
    .in_footer(14),
    row(
        "redraw",
        View,
        Fixed(Command::Redraw),
        keys!(EVERYWHERE: "ctrl+l"),
        words("redraw", "重绘"),
        words("draw everything anew", "重绘整个画面"),
    ),
    row(
        "suspend",
        View,
        Fixed(Command::Suspend),
        keys!(EVERYWHERE: "ctrl+z"),
        words("suspend", "挂起"),
        words("give the terminal back to the shell until fg", "把终端交还给 shell,直到 fg"),
    ),
    row(
        "help",
        View,
        Fixed(Command::Help),
        keys!(UNTYPED: "?" "h"),
        words("help", "帮助"),
        words("open or close the help", "打开或关闭帮助"),
    )
    .in_footer(1),
    row(
        "search-help",
        View,
        Fixed(Command::SearchHelp),
        keys!(HELP: "/"),
        words("search", "查找"),
        words("look for a word in the help", "在帮助里查找"),
    )
    .in_footer(2),
    row(
        "palette",
        View,
        Fixed(Command::Palette),
        keys!(UNTYPED: ":"),
        words("command", "命令"),
        words("open the palette: every command by name, also what has no key", "打开命令面板:按名字找到每个命令,没有按键的也在内"),
    )
    .in_footer(9),
    row(
        "type",
        View,
        Written("Type('a')"),
        keys!(),
        words("type", "输入"),
        words("add a character to what is being typed", "输入一个字符"),
    ),
    row(
        "erase",
        View,
        Fixed(Command::Erase),
        keys!(TYPED: "backspace"),
        words("erase", "删除"),
        words("take the last character back", "删除最后一个字符"),
    )
    .in_footer(13),
    row(
        "erase-all",
        View,
        Fixed(Command::EraseAll),
        keys!(TYPED: "ctrl+u"),
        words("clear", "清空"),
        words("take back all that was typed", "清空已输入的内容"),
    )
    .in_footer(14),
    row(
        "quit",
        View,
        Fixed(Command::Quit),
        keys!(UNTYPED: "q" "ctrl+c", TYPED: "ctrl+c"),
        words("quit", "退出"),
        words("leave; every process that the lab started ends with it", "退出;实验台启动的所有进程随之结束"),
    )
    .in_footer(1),
];

impl Command {
    /// The name of its variant, as it is written in files.
    pub fn variant(&self) -> &'static str {
        match self {
            Self::Inject(_) => "Inject",
            Self::Cure(_) => "Cure",
            Self::Apply(_) => "Apply",
            Self::Revoke(_) => "Revoke",
            Self::Rate(_) => "Rate",
            Self::ClosedLoop => "ClosedLoop",
            Self::Connections(_) => "Connections",
            Self::LoadUp => "LoadUp",
            Self::LoadDown => "LoadDown",
            Self::PauseLoad => "PauseLoad",
            Self::ResumeLoad => "ResumeLoad",
            Self::LoadOnly => "LoadOnly",
            Self::NextModel => "NextModel",
            Self::Kill => "Kill",
            Self::Respawn => "Respawn",
            Self::Restart => "Restart",
            Self::Mark(_) => "Mark",
            Self::CountAnew => "CountAnew",
            Self::Stop => "Stop",
            Self::MoreIdle => "MoreIdle",
            Self::FewerIdle => "FewerIdle",
            Self::Idle(_) => "Idle",
            Self::NextActive => "NextActive",
            Self::Active(_) => "Active",
            Self::MeasureAgain => "MeasureAgain",
            Self::Selectors => "Selectors",
            Self::Open(_) => "Open",
            Self::NextLesson => "NextLesson",
            Self::PreviousLesson => "PreviousLesson",
            Self::Home => "Home",
            Self::NextStep => "NextStep",
            Self::PreviousStep => "PreviousStep",
            Self::Answer(_) => "Answer",
            Self::Hint => "Hint",
            Self::Solve => "Solve",
            Self::Review => "Review",
            Self::Screen(_) => "Screen",
            Self::NextScreen => "NextScreen",
            Self::PreviousScreen => "PreviousScreen",
            Self::NextOrder => "NextOrder",
            Self::CopyTable => "CopyTable",
            Self::Correction => "Correction",
            Self::Freeze => "Freeze",
            Self::Arm(_) => "Arm",
            Self::Disarm => "Disarm",
            Self::Rearm => "Rearm",
            Self::ToTrigger => "ToTrigger",
            Self::Longer => "Longer",
            Self::Shorter => "Shorter",
            Self::HoldLoop => "HoldLoop",
            Self::LetOne => "LetOne",
            Self::LetTick => "LetTick",
            Self::Play => "Play",
            Self::Slower => "Slower",
            Self::Faster => "Faster",
            Self::PreviousEvent => "PreviousEvent",
            Self::NextEvent => "NextEvent",
            Self::PreviousTick => "PreviousTick",
            Self::NextTick => "NextTick",
            Self::Backwards => "Backwards",
            Self::Forwards => "Forwards",
            Self::FarBackwards => "FarBackwards",
            Self::FarForwards => "FarForwards",
            Self::PreviousStall => "PreviousStall",
            Self::NextStall => "NextStall",
            Self::NextFinding => "NextFinding",
            Self::PreviousFinding => "PreviousFinding",
            Self::Seek(_) => "Seek",
            Self::Earliest => "Earliest",
            Self::Latest => "Latest",
            Self::FrameStall => "FrameStall",
            Self::Pan(_) => "Pan",
            Self::ZoomIn => "ZoomIn",
            Self::ZoomOut => "ZoomOut",
            Self::ZoomInAt(_) => "ZoomInAt",
            Self::ZoomOutAt(_) => "ZoomOutAt",
            Self::FirstMark => "FirstMark",
            Self::SecondMark => "SecondMark",
            Self::Details => "Details",
            Self::NextSpecimen => "NextSpecimen",
            Self::Specimen(_) => "Specimen",
            Self::FaultMenu => "FaultMenu",
            Self::MitigationMenu => "MitigationMenu",
            Self::TriggerMenu => "TriggerMenu",
            Self::Help => "Help",
            Self::SearchHelp => "SearchHelp",
            Self::Palette => "Palette",
            Self::Type(_) => "Type",
            Self::Erase => "Erase",
            Self::EraseAll => "EraseAll",
            Self::PageUp => "PageUp",
            Self::PageDown => "PageDown",
            Self::First => "First",
            Self::Last => "Last",
            Self::Up => "Up",
            Self::Down => "Down",
            Self::Select => "Select",
            Self::Pick(_) => "Pick",
            Self::NextRequest => "NextRequest",
            Self::PreviousRequest => "PreviousRequest",
            Self::Filter => "Filter",
            Self::Victims => "Victims",
            Self::Back => "Back",
            Self::OwnCost => "OwnCost",
            Self::NextTheme => "NextTheme",
            Self::NextLanguage => "NextLanguage",
            Self::Redraw => "Redraw",
            Self::Suspend => "Suspend",
            Self::Quit => "Quit",
        }
    }

    /// Whether it moves in the recorded past.
    pub fn travels(&self) -> bool {
        !matches!(self, Self::Freeze | Self::Arm(_) | Self::Disarm | Self::Rearm) && of(self).is_some_and(|row| row.group == Time)
    }

    /// Whether a scenario's script may do it.
    pub fn in_script(&self) -> bool {
        of(self).is_some_and(|row| row.script)
    }

    /// What a key of a standing fault means where that fault is on: to switch it off. Everything else stays what it is.
    #[must_use]
    pub fn cured(self, is_on: impl Fn(Fault) -> bool) -> Self {
        match self {
            Self::Inject(setting) if faults::row(setting.kind()).standing && is_on(setting.kind()) => Self::Cure(setting.kind()),
            command => command,
        }
    }

    /// What a key of a mitigation means where that mitigation is on: to switch it off. Everything else stays what it is.
    #[must_use]
    pub fn switched(self, is_on: impl Fn(Mitigation) -> bool) -> Self {
        match self {
            Self::Apply(setting) if is_on(setting.kind()) => Self::Revoke(setting.kind()),
            command => command,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::command::key::Key;
    use crate::specimen::faults::FAULTS;
    use crate::specimen::mitigations::MITIGATIONS;
    use crate::telemetry::vocabulary::Fault;

    /// The names of all variants, as the deserializer knows them.
    fn variants() -> Vec<&'static str> {
        match ron::from_str::<Command>("NoSuchCommand").unwrap_err().code {
            ron::Error::NoSuchEnumVariant { expected, .. } => expected.to_vec(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn every_command_has_a_row_and_every_row_a_command() {
        let in_table: HashSet<_> = COMMANDS.iter().map(|row| row.sample().unwrap_or_else(|| panic!("{}", row.id)).variant()).collect();
        for variant in variants() {
            assert!(in_table.contains(variant), "no row for {variant}");
        }
        assert_eq!(in_table.len(), variants().len());
    }

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let mut seen = HashSet::new();
        for row in COMMANDS {
            assert!(seen.insert(row.id), "{} twice", row.id);
            assert!(row.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", row.id);
            for words in [row.label, row.help] {
                assert!(!words.en.is_empty() && !words.zh.is_empty(), "{}", row.id);
            }
        }
    }

    #[test]
    fn every_key_is_a_key_and_means_one_thing_where_it_works() {
        for context in Context::ALL {
            let mut seen = HashSet::new();
            for row in COMMANDS {
                for text in row.keys.iter().filter(|b| b.contexts.contains(context)).flat_map(|b| b.keys) {
                    let key: Key = text.parse().unwrap();
                    assert_eq!(key.to_string(), *text, "the one form of {text}");
                    assert!(seen.insert(key), "{text} twice in {context:?}, the second time for {}", row.id);
                }
            }
        }
    }

    #[test]
    fn digits_are_bound_in_their_order() {
        for row in COMMANDS.iter().filter(|row| matches!(row.make, Digit(_))) {
            for binding in row.keys {
                for (n, key) in binding.keys.iter().enumerate() {
                    assert_eq!(key.parse::<Key>().unwrap().digit(), Some(n as u8 + 1), "{}", row.id);
                }
            }
        }
    }

    #[test]
    fn every_fault_and_mitigation_is_in_its_menu_and_has_a_key() {
        let faults: Vec<_> = menu(Menu::Faults).collect();
        for fault in Fault::ALL {
            let row = faults.iter().find(|row| matches!(row.command(), Some(Command::Inject(setting)) if setting.kind() == *fault));
            assert!(row.is_some_and(|row| row.works_in(Context::Lab) && row.script), "{fault}");
        }
        let mitigations: Vec<_> = menu(Menu::Mitigations).collect();
        for mitigation in Mitigation::ALL {
            let row = mitigations.iter().find(|row| matches!(row.command(), Some(Command::Apply(s)) if s.kind() == *mitigation));
            assert!(row.is_some_and(|row| row.works_in(Context::Lab) && row.script && row.id == mitigation.name()), "{mitigation}");
        }
    }

    #[test]
    fn what_a_key_does_can_be_done_or_is_the_view_s() {
        for row in COMMANDS {
            // What says where, only a pointer or a list can ask for; what needs no more to be said, the palette.
            let pointed = ["open", "type", "specimen", "seek", "pan", "zoom-in-at", "zoom-out-at"].contains(&row.id);
            let reachable = row.script || !row.keys.is_empty() || row.command().is_some() || pointed;
            assert!(reachable, "{} can be asked for nowhere", row.id);
            let acts = row.group == Lab || matches!(row.command(), Some(Command::Arm(_) | Command::Disarm));
            assert!(acts || !row.script, "{}: scripts act on the lab only", row.id);
        }
    }

    #[test]
    fn a_command_finds_its_row() {
        let row = |command: &Command| of(command).map(|row| row.id);
        assert_eq!(row(&Command::Inject(FaultSetting::Compute { busy: Nanos(1) })), Some("compute"));
        assert_eq!(row(&Command::Inject(FaultSetting::Panic)), Some("panic"));
        assert_eq!(row(&Command::Apply(MitigationSetting::Slicing { budget: Nanos(1) })), Some("slicing"));
        assert_eq!(row(&Command::Rate(1.0)), Some("rate"));
        assert_eq!(row(&Command::Answer(3)), Some("answer"));
        assert!(Command::Stop.in_script() && !Command::Freeze.in_script() && !Command::Open(String::new()).in_script());
    }

    #[test]
    fn a_mitigation_s_key_switches_it() {
        let apply = Command::Apply(MitigationSetting::CatchPanic);
        assert_eq!(apply.clone().switched(|_| false), apply);
        assert_eq!(apply.switched(|m| m == Mitigation::CatchPanic), Command::Revoke(Mitigation::CatchPanic));
    }

    #[test]
    fn a_standing_fault_s_key_switches_it_and_others_strike_again() {
        let drain = Command::Inject(FaultSetting::ForgottenDrain { buffer: 16 });
        assert_eq!(drain.clone().cured(|_| false), drain);
        assert_eq!(drain.cured(|f| f == Fault::ForgottenDrain), Command::Cure(Fault::ForgottenDrain));
        assert_eq!(Command::Inject(FaultSetting::Panic).cured(|_| true), Command::Inject(FaultSetting::Panic));
    }

    #[test]
    fn what_the_texts_say_is_what_the_values_are() {
        assert_eq!((COMPUTE, SLICE_BUDGET, SUPERVISOR_DEADLINE), (Nanos::millis(800), Nanos::millis(5), Nanos::secs(2)));
        for fault in FAULTS {
            assert!(menu(Menu::Faults).any(|row| row.command() == Some(Command::Inject(fault.default))), "{}", fault.name());
        }
        for mitigation in MITIGATIONS {
            assert_eq!(by_id(mitigation.name()).unwrap().command(), Some(Command::Apply(mitigation.default)));
        }
        assert!(by_id("worker-pool").unwrap().help.en.contains(&format!("{POOL_THREADS} worker threads")));
        assert!(SUPERVISOR_DEADLINE > COMPUTE);
    }
}
