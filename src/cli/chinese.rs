//! The command line in Chinese: help texts, and what is said of wrong arguments.
//!
//! The definitions are English, as clap's derive has them; here each text stands once more. A text that is missing fails a test. The frame
//! around an error is made from its kind and what it names, since clap's own cannot be translated.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

/// Each help text, up to the first sentence of it that differs from the others, and the same in Chinese.
static TEXTS: &[(&str, &str)] = &[
    ("An oscilloscope for event loops", "事件循环的示波器：真实负载下真实 epoll 循环上的真实服务器，细看到单个回调"),
    ("Run a scenario in the scope", "在示波器里运行一个场景"),
    ("The id of a built-in scenario", "内置场景的编号（loopscope list），或一个 RON 文件"),
    ("List the built-in scenarios", "列出内置场景"),
    ("As JSON", "以 JSON 输出"),
    ("Show what has been done of the lessons", "显示学习进度，或清除它"),
    ("Write a commented lesson", "写一份带注释的课程样板；已有的文件不动"),
    ("The file to write", "要写的文件"),
    ("Print how to write lessons", "以 Markdown 打印怎样编写课程：全部命令、故障、缓解措施、处理函数、断言和指标"),
    ("Run scenarios without a terminal", "不用终端运行场景，并检验它们的断言"),
    ("Print the settings", "打印配置文件的各项设置及默认值，或说明文件在哪里"),
    ("Only the path of the file", "只打印文件的路径，不管文件是否存在"),
    ("Measure what epoll", "测量描述符变多时 epoll、poll 和 select 的代价"),
    ("Print what a shell needs", "打印 shell 自动补全所需的脚本"),
    ("The shell", "哪一种 shell"),
    ("GNU Bash", "GNU Bash"),
    ("Z shell", "Z shell"),
    ("Fish", "Fish"),
    ("Print the manual page", "打印手册页"),
    ("Print this message or the help", "打印帮助，或某个子命令的帮助"),
    ("Print help for the subcommand", "要看哪个子命令的帮助"),
    ("Print help", "打印帮助"),
    ("Print version", "打印版本"),
    ("The language of everything", "一切显示内容的语言；默认随系统区域设置"),
    ("The address that the specimens listen on", "样本监听的地址。它们是故意做坏的：向网络开放之前请三思；默认 127.0.0.1"),
    ("The port of the first specimen", "第一个样本的端口；默认 7070 或下一个空闲端口"),
    ("The colours", "配色"),
    ("Draw with ASCII only", "只用 ASCII 绘制；区域设置不是 UTF-8 时默认如此"),
    ("No pictures, but plain lines", "不画画面，事情一发生就用一行行纯文本说出来，供读屏软件和日志使用；命令从标准输入读取"),
    ("Pictures a second", "每秒画面数，1 到 120；默认 30"),
    ("Forget what has been done", "清除这一课的进度；不写编号则清除全部"),
    ("Do not ask before forgetting", "清除之前不询问"),
    ("Ids of built-in scenarios", "内置场景的编号，或 RON 文件"),
    ("Every built-in scenario", "所有内置场景"),
    ("The verdicts as JSON", "以 JSON 输出判定"),
    ("Only the script", "只跑脚本：不去尝试课程让读者尝试的事"),
    ("No progress on standard error", "不在标准错误上显示进度"),
    (
        "How many scenarios run side by side",
        "同时运行几个场景；默认每个处理器一个，最多 4 个，给出 --port 时一个。与别的场景同跑时失败的，会单独重跑，以那次为准",
    ),
    ("Compare the four models", "不用终端比较四种模型，或某个场景的各个样本"),
    ("A scenario to compare the specimens of", "要比较其样本的场景：编号或 RON 文件；不写则是四种模型在三种负载下"),
    ("One line for each figure", "每个指标一行"),
    ("Numbers of idle descriptors", "空闲描述符的数量，用逗号分隔"),
    ("How many are active", "多少个是活跃的：数字，或者用 all 表示没有空闲的"),
    ("One line for each measurement", "每次测量一行"),
    ("Everything, as one JSON object", "全部内容，作为一个 JSON 对象"),
    ("Tables to copy out", "可以复制出去的表格"),
    ("Also measure what the claims need", "也测量断言所需的数据，有一条不成立就失败（退出码 1）"),
    ("Measure less", "少测一些：大约一秒，也不那么精确"),
    // What stands behind the options.
    (
        "Examples:\n  loopscope     ",
        "例子：\n  \
         loopscope                          选一课，开始\n  \
         loopscope run 04-computing-callback\n  \
         loopscope run my-lesson.ron --port 8080\n  \
         loopscope run 06-panic --narrate   同样的内容，一行行文字，供读屏软件和日志使用\n  \
         loopscope list\n  \
         loopscope progress                 你学到了哪里\n  \
         loopscope check --all              不用终端运行每一课，并检验它的断言\n  \
         loopscope new my-lesson.ron        带注释的课程样板；loopscope docs 讲解写法\n  \
         loopscope check my-lesson.ron --json\n  \
         loopscope compare --markdown       循环、线程、线程池、工作进程在同一负载下：指标，以及差别的文字说明\n  \
         loopscope selectors --idle 10,1000,10000 --active 1\n\n\
         退出码：0 正常，1 有断言不成立，2 用法或文件有误。",
    ),
    (
        "Each scenario is run headless",
        "每个场景都不用终端运行：启动服务器和客户端，执行脚本，再用实测值检验断言；机器忙于别的事而断言失败时，会重跑，最多三次。\n\
         然后走一遍课程：让读者尝试的每一步都会尝试，并且必须导致它所说的结果；每个任务都用它自己的解法解决，并且事先不能已经解决。\n\n\
         例子：\n  \
         loopscope check 06-panic\n  \
         loopscope check scenarios/*.ron\n  \
         loopscope check --all --json > verdicts.json\n\n\
         退出码：0 断言全部成立，1 有一条不成立，2 文件有误或场景无法运行。",
    ),
    (
        "Event loop, thread per connection",
        "事件循环、每连接一线程、线程池和工作进程，在同一个按种子生成的负载下：只计算、只等待、一万个空闲连接；然后是一个事件循环上的五万个连接。\n\
         逐个比较，总共不到一分钟。每次以一张表结束，并说明其他模型与事件循环相比有什么差别（超出噪声的才说）。指标涵盖服务器的全部线程和进程，\n\
         只算有负载的时间。在这里容不下这么多连接的服务器会被略过，并指出是哪个限制。\n\n\
         例子：\n  \
         loopscope compare\n  \
         loopscope compare --markdown > models.md\n  \
         loopscope compare models-io-bound --json       其中之一：models-cpu-bound、models-io-bound、models-idle、loop-50000-idle\n  \
         loopscope compare 04-computing-callback        一课的各个样本，或你自己的文件，在其脚本结束时\n  \
         loopscope run models-io-bound                  同样的内容，在示波器里\n\n\
         退出码：0 正常，2 文件有误或比较无法进行，被信号结束时为 128 加信号编号。",
    ),
    (
        "The file is $XDG_CONFIG_HOME",
        "文件是 $XDG_CONFIG_HOME/loopscope/config.ron，否则 ~/.config/loopscope/config.ron。它只列出与默认值不同的内容，包括按键。\n\
         命令行优先于环境变量（LOOPSCOPE_...），环境变量优先于文件。程序从不写这个文件。",
    ),
    (
        "Examples:\n  loopscope completions",
        "例子：\n  \
         loopscope completions bash > ~/.local/share/bash-completion/completions/loopscope\n  \
         loopscope completions zsh > ~/.zfunc/_loopscope        fpath 中的一个目录\n  \
         loopscope completions fish > ~/.config/fish/completions/loopscope.fish",
    ),
    (
        "Examples:\n  loopscope man",
        "例子：\n  \
         loopscope man | man -l -\n  \
         loopscope man > ~/.local/share/man/man1/loopscope.1",
    ),
];

fn text(english: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(begin, _)| english.starts_with(begin)).map(|(_, chinese)| *chinese)
}

/// Definitions with their texts in Chinese. What has no Chinese text stays as it is.
pub fn translated(mut command: Command) -> Command {
    command.build();
    of(command)
}

fn of(command: Command) -> Command {
    let said = |text_of: Option<&clap::builder::StyledStr>| text_of.and_then(|styled| text(&styled.to_string()));
    let (about, after) = (said(command.get_about()), said(command.get_after_help()));
    let long = said(command.get_long_about());
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command.subcommand_help_heading("命令").mut_args(|arg| {
        let (help, long) = (said(arg.get_help()), said(arg.get_long_help()));
        let positional = arg.is_positional();
        let arg = arg.help_heading(if positional { "参数" } else { "选项" });
        let arg = if let Some(help) = help { arg.help(help) } else { arg };
        if let Some(long) = long { arg.long_help(long) } else { arg }
    });
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(long) = long {
        command = command.long_about(long);
    }
    if let Some(after) = after {
        command = command.after_help(after);
    }
    command = command.help_template("{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}");
    for name in names {
        command = command.mut_subcommand(name, of);
    }
    command
}

/// What is wrong with the arguments, in Chinese; nothing for what is no mistake (help, version).
pub fn error(error: &Error) -> Option<String> {
    let named = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(one)) => Some(one.clone()),
        Some(ContextValue::Strings(many)) if !many.is_empty() => Some(many.join(", ")),
        Some(ContextValue::Number(n)) => Some(n.to_string()),
        Some(ContextValue::StyledStr(styled)) => Some(styled.to_string()),
        _ => None,
    };
    let arg = named(ContextKind::InvalidArg).unwrap_or_default();
    let value = named(ContextKind::InvalidValue).unwrap_or_default();
    let prior = named(ContextKind::PriorArg).unwrap_or_default();
    let mut said = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return None,
        ErrorKind::UnknownArgument => format!("没有参数 {arg}"),
        ErrorKind::InvalidSubcommand => format!("没有子命令 {}", named(ContextKind::InvalidSubcommand).unwrap_or_default()),
        ErrorKind::InvalidValue if value.is_empty() => format!("{arg} 缺少值"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("{arg} 不能是 {value}"),
        ErrorKind::NoEquals => format!("{arg} 的值前面要有等号"),
        ErrorKind::TooManyValues => format!("{arg} 的值太多：{value}"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => format!("{arg} 的值的个数不对"),
        ErrorKind::ArgumentConflict if prior == arg => format!("{arg} 只能写一次"),
        ErrorKind::ArgumentConflict => format!("{arg} 不能与 {prior} 同用"),
        ErrorKind::MissingRequiredArgument => format!("缺少 {arg}"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "缺少子命令".to_owned(),
        ErrorKind::InvalidUtf8 => "参数不是 UTF-8 文字".to_owned(),
        _ => error.kind().to_string(),
    };
    if let Some(valid) = named(ContextKind::ValidValue) {
        said.extend(["；有效：", &valid]);
    }
    let meant = [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand];
    if let Some(meant) = meant.into_iter().find_map(named) {
        said.extend(["；是不是 ", &meant, "？"]);
    }
    Some(said + "\n更多请看 --help")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Args;

    /// Every text of the definitions that is shown.
    fn texts(command: &Command, all: &mut Vec<String>) {
        all.extend(
            [command.get_about(), command.get_long_about(), command.get_after_help()].into_iter().flatten().map(ToString::to_string),
        );
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            all.extend([arg.get_help(), arg.get_long_help()].into_iter().flatten().map(ToString::to_string));
        }
        command.get_subcommands().filter(|sub| !sub.is_hide_set()).for_each(|sub| texts(sub, all));
    }

    #[test]
    fn every_text_of_the_command_line_has_its_chinese() {
        let mut english = Vec::new();
        let mut command = Args::command();
        command.build();
        texts(&command, &mut english);
        assert!(english.len() > 40);
        for said in english {
            assert!(text(&said).is_some(), "no Chinese for {said:?}: cli/chinese.rs");
        }
        let mut chinese = Vec::new();
        texts(&translated(Args::command()), &mut chinese);
        for said in chinese {
            assert!(!said.is_ascii() || ["GNU Bash", "Z shell", "Fish"].contains(&&*said), "{said}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_chinese() {
        let said = |args: &[&str]| {
            let matched = translated(Args::command()).try_get_matches_from([&["loopscope"], args].concat());
            error(&matched.unwrap_err()).unwrap_or_default()
        };
        assert!(said(&["--theme", "drak"]).contains("--theme <NAME> 不能是 drak；有效：dark"), "{}", said(&["--theme", "drak"]));
        assert!(said(&["--theme", "drak"]).contains("是不是 dark？"));
        assert!(said(&["chekc"]).contains("没有子命令 chekc"), "{}", said(&["chekc"]));
        assert!(said(&["run"]).contains("缺少 <FILE|ID>"), "{}", said(&["run"]));
        assert!(said(&["--fps", "0"]).contains("不能是 0"), "{}", said(&["--fps", "0"]));
        assert!(said(&["check", "--all", "x"]).contains("不能与"), "{}", said(&["check", "--all", "x"]));
        assert!(said(&["--nonsense"]).contains("没有参数 --nonsense"), "{}", said(&["--nonsense"]));
        assert_eq!(said(&["--help"]), "", "no mistake");
        let help = translated(Args::command()).try_get_matches_from(["loopscope", "run", "--help"]).unwrap_err().to_string();
        assert!(help.contains("用法：") && help.contains("样本监听的地址") && help.contains("打印帮助"), "{help}");
    }
}
