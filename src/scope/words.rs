//! The sentences of the screen: each lies in `assets/lang`, under one key in every language.
//!
//! The language is an argument, never a global, so that a test draws both side by side.

use std::borrow::Cow;

use crate::base::ids::ConnId;
use crate::base::lang::Lang;
use crate::telemetry::vocabulary::{Cause, Fault, Handler, Mitigation, Model, Phase};

/// The sentence under a key; the key itself where there is none (a test holds the files to all keys).
pub fn text(lang: Lang, key: &str) -> Cow<'static, str> {
    crate::_rust_i18n_try_translate(lang.code(), key).unwrap_or_else(|| Cow::Owned(key.to_owned()))
}

/// The sentence under a key with each `%{name}` filled in.
pub fn fill(lang: Lang, key: &str, values: &[(&str, &str)]) -> String {
    let template = text(lang, key);
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = &*template;
    while let Some((before, after)) = rest.split_once("%{") {
        let Some((name, tail)) = after.split_once('}') else { break };
        out.push_str(before);
        match values.iter().find(|(n, _)| *n == name) {
            Some((_, value)) => out.push_str(value),
            None => out.extend(["%{", name, "}"]),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// What a phase is called on the screen.
pub fn phase(lang: Lang, phase: Phase) -> Cow<'static, str> {
    text(lang, &format!("phase.{}", phase.name()))
}

/// Why a callback runs.
pub fn cause(lang: Lang, cause: Cause) -> Cow<'static, str> {
    text(lang, &format!("cause.{}", cause.name()))
}

/// What a fault is called on the screen.
pub fn fault(lang: Lang, fault: Fault) -> Cow<'static, str> {
    text(lang, &format!("fault.{}", fault.name()))
}

/// What a mitigation is called on the screen.
pub fn mitigation(lang: Lang, mitigation: Mitigation) -> Cow<'static, str> {
    text(lang, &format!("mitigation.{}", mitigation.name()))
}

/// The first number that is an upstream socket's, not a connection's.
const UPSTREAM: u32 = 1 << 31;

/// What a connection is called.
pub fn conn(lang: Lang, conn: ConnId) -> String {
    let key = match conn.0.checked_sub(UPSTREAM) {
        _ if !conn.is_some() => return text(lang, "listener").into_owned(),
        None => "conn",
        Some(_) => "upstream",
    };
    fill(lang, key, &[("id", &number(conn))])
}

/// The number that it is called by: a client's connection has its own, one to the upstream `u1`, `u2`, ...
pub fn number(conn: ConnId) -> String {
    conn.0.checked_sub(UPSTREAM).map_or_else(|| conn.0.to_string(), |n| format!("u{n}"))
}

/// What a model is called on the screen.
pub fn model(lang: Lang, model: Model) -> Cow<'static, str> {
    text(lang, &format!("model.{}", model.name()))
}

/// What a callback does: its handler once it is known, else its cause.
pub fn callback(lang: Lang, why: Cause, handler: Option<Handler>) -> Cow<'static, str> {
    match handler {
        Some(Handler::Refused) => text(lang, "callback.refused"),
        Some(handler) => Cow::Owned(fill(lang, "callback.request", &[("handler", handler.name())])),
        None => cause(lang, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_to_the_upstream_are_numbered_by_themselves() {
        let named = |lang, number| conn(lang, ConnId(number));
        assert_eq!(
            [named(Lang::En, 12), named(Lang::En, UPSTREAM | 2), named(Lang::Zh, UPSTREAM | 2)],
            ["conn 12", "upstream u2", "上游 u2"]
        );
        assert_eq!(conn(Lang::En, ConnId::NONE), text(Lang::En, "listener"));
    }

    #[test]
    fn values_are_filled_in_once_and_never_reread() {
        assert_eq!(fill(Lang::En, "no %{a} such %{b} key %{c}", &[("a", "%{b}"), ("b", "2")]), "no %{b} such 2 key %{c}");
    }
}
