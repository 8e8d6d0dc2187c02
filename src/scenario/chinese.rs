//! What is wrong with a file of ours, in Chinese.
//!
//! The sentences are made where the mistake is found, in English, of a few parts that are set off by `; `: what is wrong, what is valid, what
//! was probably meant. Here each part stands once with its holes, as in a catalogue of messages, so that the places that find mistakes stay
//! as short as they are. A part that is missing here stays English; the tests of those places fail on one.

use crate::base::lang::Lang;

/// Parts of sentences with holes, and the same in Chinese; where the order differs, a hole has its number. The first that fits is taken.
static PARTS: &[(&str, &str)] = &[
    // What was probably meant.
    ("did you mean {}? (loopscope config names them all)", "是不是 {}？（loopscope config 会列出全部）"),
    ("did you mean {}?", "是不是 {}？"),
    ("none is valid here", "这里没有有效的写法"),
    // What is valid.
    ("valid: {} to {}, counted from 0", "有效：{} 到 {}，从 0 数起"),
    ("valid: 1 to 64 lower-case letters, digits and hyphens", "有效：1 到 64 个小写字母、数字和连字符"),
    ("valid: 1 to {} letters, digits, hyphens and underscores", "有效：1 到 {} 个字母、数字、连字符和下划线"),
    ("valid: 1 to 64 bytes of text", "有效：1 到 64 字节的文字"),
    ("valid: 0 and more", "有效：0 及以上"),
    ("valid: at most one", "有效：最多一个"),
    ("valid: at most {}", "有效：最多 {}"),
    ("valid: {}, or none", "有效：{}，或者没有"),
    ("valid: { \"en\": \"...\", \"zh\": \"...\" }, English is required", "有效：{ \"en\": \"...\", \"zh\": \"...\" }，英文必须有"),
    ("valid: text and line breaks", "有效：文字和换行"),
    ("valid: at least one specimen that is a server", "有效：至少有一个样本是服务器"),
    ("valid: standing faults. The script can Inject it", "有效：持续的故障。脚本可以用 Inject 注入它"),
    ("valid: more than 0, at most {} requests a second (None: closed loop)", "有效：大于 0，每秒最多 {} 个请求（None：闭环）"),
    ("valid: at least one row with a weight above 0", "有效：至少一行的权重大于 0"),
    ("valid: \"/\" and printable ASCII without spaces, at most {} bytes", "有效：“/”加上不含空格的可打印 ASCII，最多 {} 字节"),
    ("valid: at least one command", "有效：至少一个命令"),
    ("valid: at least one claim", "有效：至少一条断言"),
    ("valid: at_least, at_most or both", "有效：at_least、at_most 或两者"),
    ("valid: every beside a given fault that strikes one request", "有效：every 要与 given 里只击中一个请求的故障同用"),
    ("valid in {}: commands with a key", "在 {} 里有效：有按键的命令"),
    ("valid in {}: what does", "在 {} 里有效：对它们有作用的命令"),
    ("valid: {} to {}", "有效：{} 到 {}"),
    ("valid: {}", "有效：{}"),
    ("names are unique", "名字不能重复"),
    ("leave specimen out", "请去掉 specimen"),
    ("write rate: None beside it, or leave it out", "请在旁边写 rate: None，或者去掉它"),
    ("the word may be left out", "这个词可以省略"),
    ("times of figures are in milliseconds, shares from 0 to 1", "指标里的时间以毫秒计，比例为 0 到 1"),
    ("a time has its unit, such as {} or {}", "时间要带单位，例如 {} 或 {}"),
    ("built in: {}", "内置的有：{}"),
    // What is wrong with its sense.
    ("{} is {}, and only what lasts {} (stall_threshold) counts as a stall", "{} 是 {}，而持续 {}（stall_threshold）以上才算停顿"),
    ("at_most is {}, and at_least is {}: nothing lies between", "at_most 是 {}，at_least 是 {}：两者之间什么也没有"),
    ("{} has no key that could be pressed", "{} 没有可按的键"),
    ("{} has no English text", "{} 没有英文"),
    ("{} has a control character ({}) in {}", "{} 在 {2} 里有控制字符（{1}）"),
    ("{} has {} entries", "{} 有 {} 项"),
    ("id {} cannot be called by", "编号 {} 无法用来调用"),
    ("review has {} questions", "review 有 {} 个问题"),
    ("unknown language {} of {}", "{1} 的语言 {0} 未知"),
    ("unknown language {}", "未知的语言 {}"),
    ("unknown theme {}", "未知的主题 {}"),
    ("{} is empty in {}", "{} 在 {} 里是空的"),
    ("{} is longer than {} characters in {}", "{} 在 {2} 里超过 {1} 个字符"),
    ("a second specimen is the upstream", "第二个样本也是上游"),
    ("a second specimen is called {}", "第二个样本也叫 {}"),
    ("nobody calls this upstream", "没有谁调用这个上游"),
    ("no specimen is called {}", "没有叫 {} 的样本"),
    ("specimen name {}", "样本名 {}"),
    ("{} stands twice among the mitigations of {}", "{1} 的缓解措施里 {0} 出现了两次"),
    ("{} stands twice among the faults of {}", "{1} 的故障里 {0} 出现了两次"),
    ("{} strikes one request", "{} 只击中一个请求"),
    ("{} cannot befall a {} server", "{} 不会发生在 {} 服务器上"),
    ("{} means nothing to a {} server", "{} 对 {} 服务器没有意义"),
    ("think is for a closed loop only", "think 只用于闭环"),
    ("mix asks for nothing", "mix 什么也不请求"),
    ("path {}", "路径 {}"),
    ("this never happens: the script stops at {}", "这不会发生：脚本在 {} 就结束了"),
    ("{} is for the whole run", "{} 针对整个运行"),
    ("a script cannot do {}", "脚本不能做 {}"),
    ("a mark's name", "标记的名字"),
    ("{} does nothing to a specimen or its load", "{} 对样本和负载都没有作用"),
    ("{} is empty", "{} 是空的"),
    ("nothing strikes again", "没有什么会再次发作"),
    ("cannot be a goal", "不能作目标"),
    ("is not about {}, which the task is about", "不是关于任务所说的 {}"),
    ("claims nothing", "什么也没有断言"),
    ("no figure is called {}", "没有叫 {} 的指标"),
    ("{} names no specimen", "{} 没有指明样本"),
    ("{} says too much", "{} 说得太多"),
    ("{} does not say which", "{} 没有说明是哪一个"),
    // What is wrong with its grammar.
    ("unknown field {} in {}", "{1} 里有未知字段 {0}"),
    ("unknown field {}", "未知字段 {}"),
    ("unknown {} {}", "未知的{} {}"),
    ("field {} is missing in {}", "{1} 里缺少字段 {0}"),
    ("field {} is missing", "缺少字段 {}"),
    ("field {} stands twice in {}", "{1} 里字段 {0} 出现了两次"),
    ("field {} stands twice", "字段 {} 出现了两次"),
    ("{} stands twice for {}", "{} 在 {} 里出现了两次"),
    ("{} stands twice", "{} 出现了两次"),
    ("expected a number without quotes, found {}", "应为不带引号的数字，却是 {}"),
    ("expected a whole number, found {}", "应为整数，却是 {}"),
    ("expected a number, found {}", "应为数字，却是 {}"),
    ("expected text in quotes, found {}", "应为引号里的文字，却是 {}"),
    ("expected texts such as {}, found {}", "应为 {} 这样的文字，却是 {}"),
    ("expected a list in [ ], found {}", "应为 [ ] 里的列表，却是 {}"),
    ("expected true or false, found {}", "应为 true 或 false，却是 {}"),
    ("expected a comma or the end of the bracket, found {}", "应为逗号或括号结尾，却是 {}"),
    ("invalid digit {} for base {} integers, found {}", "{} 不是 {} 进制的数字，写的是 {}"),
    ("expected {}, found {}", "应为 {}，却是 {}"),
    ("{} is out of range", "{} 超出范围"),
    (
        "{} is not a time: write a number and a unit (ns, us, ms, s, min), such as {} or {}",
        "{} 不是时间：请写数字和单位（ns、us、ms、s、min），例如 {} 或 {}",
    ),
    ("{} is longer than a day", "{} 超过一天"),
    // What is wrong with the file as such.
    ("cannot be opened: {}", "无法打开：{}"),
    ("cannot be read: {}", "无法读取：{}"),
    ("is longer than {} KiB, which no scenario is", "超过 {} KiB，没有这么大的场景"),
    ("is not UTF-8 text from here on", "从这里起不是 UTF-8 文字"),
    ("{} is neither a file nor a built-in scenario", "{} 既不是文件，也不是内置场景"),
    // What is wrong with a configuration.
    ("{} pictures a second are not between 1 and 120", "每秒 {} 幅画面不在 1 到 120 之间"),
    ("{} is no IP address, such as {} or {}", "{} 不是 IP 地址，例如 {} 或 {}"),
    ("{} is no port: from 1 to {}", "{} 不是端口：应为 1 到 {}"),
    ("there is no command {} (loopscope config names them all)", "没有命令 {}（loopscope config 会列出全部）"),
    ("there is no command {}", "没有命令 {}"),
    ("{} needs a digit or a word of its own and cannot be moved to another key", "{} 需要自己的数字或词，不能换到别的键"),
    ("{} needs a key: one must be able to leave", "{} 必须有键：总要能离开"),
    ("{} for {} is the key of {} already: give that one another key too, or none", "{1} 的 {0} 已是 {2} 的键：请给它也换一个键，或不给键"),
    ("{}: write the character that shift makes instead", "{}：请直接写按住 shift 得到的字符"),
    (
        "{} is not a key: write a character, a name such as space or pageup, or ctrl+x",
        "{} 不是按键：请写一个字符、space 或 pageup 这样的名字，或 ctrl+x",
    ),
    // What is wrong with the progress file.
    ("{} was written by a later version of loopscope", "{} 由更新版本的 loopscope 写成"),
    ("another instance holds its lock", "另一个实例正锁着它"),
    ("too many broken ones are kept beside it", "旁边保存的损坏文件太多了"),
    // What keeps a run from being made.
    ("there is no lesson {}", "没有课程 {}"),
    ("interrupted by signal {}", "被信号 {} 中断"),
    ("not ready after {}: {}", "{} 之后仍未就绪：{}"),
    ("{}: its process is dead: {}", "{}：进程已死亡：{}"),
    ("{}: its process is dead", "{}：进程已死亡"),
    ("{}: its process has not started", "{}：进程还没有启动"),
    ("{}: its loop has not made a tick", "{}：循环还没有转过一轮"),
    ("{}: {} of {} clients are connected", "{}：{2} 个客户端中已连接 {1} 个"),
    ("the lab did not start", "实验室没有启动"),
    ("standard output", "标准输出"),
    ("standard error", "标准错误"),
    ("standard input", "标准输入"),
    ("watching for signals", "监听信号"),
    ("taking the terminal", "接管终端"),
    ("drawing", "绘制"),
    ("starting {}", "启动 {}"),
    ("telling {} what to do", "向 {} 下达指令"),
    ("a control socket", "控制套接字"),
    ("neither XDG_CONFIG_HOME nor HOME says where the configuration file would lie", "XDG_CONFIG_HOME 和 HOME 都没有说明配置文件在哪里"),
    ("neither XDG_STATE_HOME nor HOME says where the progress would lie", "XDG_STATE_HOME 和 HOME 都没有说明进度在哪里"),
    ("there is no scenario to run", "没有可运行的场景"),
    ("what its task begins with", "任务开始时的命令"),
    ("its task's solution", "任务的解法"),
    ("listening to standard input and to signals", "监听标准输入和信号"),
    ("the listener's address", "监听地址"),
    ("waiting for a specimen", "等待样本"),
    ("waiting for a load", "等待负载"),
    ("stopping", "暂停"),
    // What holds one of the others.
    ("{} in {}: {}", "{}（{}）：{}"),
    ("{} is {}", "{} 是 {}"),
];

/// What may stand in a hole and is no name of the file's own.
static WORDS: &[(&str, &str)] = &[
    ("the number of specimens", "样本数量"),
    ("the number of choices", "选项数量"),
    ("the number of hints", "提示数量"),
    ("a choice", "选项"),
    ("a hint", "提示"),
    ("the end of the file", "文件结尾"),
    ("mitigation", "缓解措施"),
    ("fault", "故障"),
    ("command", "命令"),
    ("expectation", "断言"),
    ("lesson step", "课程步骤"),
    ("figure", "指标"),
    ("kind of stall", "停顿类型"),
    ("model", "模型"),
    ("way to share a port", "端口共享方式"),
    ("outcome", "结果"),
    ("trigger", "触发条件"),
    ("word", "词"),
    ("No such file or directory (os error 2)", "没有这个文件或目录"),
    ("Permission denied (os error 13)", "没有权限"),
    ("Is a directory (os error 21)", "这是一个目录"),
    ("Address already in use (os error 98)", "地址已被占用"),
    ("No space left on device (os error 28)", "设备上没有空间了"),
    ("Too many open files (os error 24)", "打开的文件太多"),
];

/// A message as it is said in a language.
pub fn told(message: &str, lang: Lang) -> String {
    match lang {
        Lang::En => message.to_owned(),
        Lang::Zh => sentence(message).0,
    }
}

/// A message in Chinese, and whether all of its parts could be said.
pub fn sentence(message: &str) -> (String, bool) {
    let said: Vec<(String, bool)> = parts(message).into_iter().map(part).collect();
    let whole = said.iter().all(|(_, known)| *known);
    (said.into_iter().map(|(text, _)| text).collect::<Vec<_>>().join("；"), whole)
}

/// The parts that `; ` sets off, outside of quotes.
fn parts(message: &str) -> Vec<&str> {
    let (mut parts, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in message.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted && message[at..].starts_with("; ") => {
                parts.push(&message[from..at]);
                from = at + 2;
            }
            _ => {}
        }
    }
    parts.push(&message[from..]);
    parts
}

fn part(text: &str) -> (String, bool) {
    if let Some((_, chinese)) = WORDS.iter().find(|(english, _)| *english == text) {
        return ((*chinese).to_owned(), true);
    }
    for (english, chinese) in PARTS {
        if let Some(holes) = holes(text, english) {
            return (fill(chinese, &holes), true);
        }
    }
    // `busy: expected ...`: the field that it is about stands before it.
    match text.split_once(": ") {
        Some((field, rest)) if !field.contains([' ', '"']) => {
            let (said, known) = part(rest);
            (format!("{field}：{said}"), known)
        }
        _ => (text.to_owned(), false),
    }
}

/// What stands in the holes of a part, where it fits.
fn holes<'t>(text: &'t str, english: &str) -> Option<Vec<&'t str>> {
    let mut pieces = english.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut holes = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let at = if pieces.peek().is_some() { rest.find(piece)? } else { rest.len().checked_sub(piece.len())? };
        if !rest.get(at..)?.starts_with(piece) || at == 0 {
            return None;
        }
        holes.push(&rest[..at]);
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty().then_some(holes)
}

fn fill(chinese: &str, holes: &[&str]) -> String {
    let mut out = String::with_capacity(chinese.len() + 32);
    let (mut rest, mut next) = (chinese, 0);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((number, tail)) = after.split_once('}').filter(|(number, _)| number.chars().all(|c| c.is_ascii_digit())) else {
            out.push_str(&rest[..=before.len()]);
            rest = after;
            continue;
        };
        let hole = holes.get(number.parse().unwrap_or(next)).copied().unwrap_or_default();
        next += 1;
        out.push_str(before);
        out.push_str(&sentence(hole).0);
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_said_one_by_one_and_what_is_quoted_stays_as_it_is() {
        let said = |message: &str| told(message, Lang::Zh);
        assert_eq!(said("busy is 0 ms; valid: 1.00 ms to 10.0 s"), "busy 是 0 ms；有效：1.00 ms 到 10.0 s");
        assert_eq!(said("the number of specimens is 9; valid: 1 to 4"), "样本数量 是 9；有效：1 到 4");
        assert_eq!(
            said("unknown field \"a; b\" in Load; valid: rate, mix; did you mean \"rate\"?"),
            "Load 里有未知字段 \"a; b\"；有效：rate, mix；是不是 \"rate\"？"
        );
        assert_eq!(said("busy: expected text in quotes, found 5"), "busy：应为引号里的文字，却是 5");
        assert_eq!(said("title in \"en\": no figure is called \"x\"; valid: stall"), "title（\"en\"）：没有叫 \"x\" 的指标；有效：stall");
        assert_eq!(sentence("something else altogether"), ("something else altogether".to_owned(), false));
        assert_eq!(told("x is 1", Lang::En), "x is 1");
    }

    #[test]
    fn every_part_has_the_same_holes_in_both_languages_and_is_found_by_itself() {
        for (english, chinese) in PARTS {
            let count = english.matches("{}").count();
            let holes =
                chinese.split('{').skip(1).filter(|rest| rest.split('}').next().is_some_and(|n| n.chars().all(|c| c.is_ascii_digit())));
            assert_eq!(holes.count(), count, "{english}");
            let sample = english.replace("{}", "\"q\"");
            assert!(sentence(&sample).1, "{sample}");
            let said = sentence(&sample).0;
            let first = chinese.split(['{', '“']).next().unwrap_or_default();
            assert!(said.starts_with(first), "{sample} is taken for another: {said}");
        }
    }
}
