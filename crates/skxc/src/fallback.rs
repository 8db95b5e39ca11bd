//! What happens to packets that cannot be classified, by the reason why.
//!
//! What must hold:
//! - the reasons are those of the parser ([`Reason::ALL`]), never a list of our own;
//! - an action without a reason is for what is IP alone: ARP and all else that is
//!   not IP passes unless it is named, so that failing closed does not cut off
//!   the host;
//! - [`Fallbacks`] has an action for every reason, in one form: it is digested
//!   into the build id.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use clap::ValueEnum as _;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use skxc_runtime::Reason;

use crate::actions::{Action, unknown_action};
use crate::names::closest;

/// Stands for every reason of packets that are IP.
const IP: &str = "ip";

/// `ACTION` or `REASON=ACTION` of a command line or a project file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fallback {
    /// The reason; none for all that are about IP.
    pub(crate) reason: Option<Reason>,
    /// What happens to such packets.
    pub(crate) action: Action,
}

impl Fallback {
    fn new(reason: &str, action: Action) -> Result<Self, String> {
        let named = || Reason::ALL.into_iter().find(|it| it.name() == reason);
        match named() {
            _ if reason == IP => Ok(Self { reason: None, action }),
            Some(reason) => Ok(Self { reason: Some(reason), action }),
            None => Err(unknown_reason(reason)),
        }
    }
}

fn unknown_reason(reason: &str) -> String {
    let names = Reason::ALL.map(Reason::name);
    match closest(reason, names.into_iter()).first() {
        Some(near) => format!("unknown reason `{reason}`; did you mean `{near}`?"),
        None => {
            format!("unknown reason `{reason}`; there are {IP} (all of IP), {}", names.join(", "))
        }
    }
}

impl FromStr for Fallback {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (reason, action) = text.split_once('=').unwrap_or((IP, text));
        let action = Action::from_str(action, true).map_err(|_| unknown_action(action))?;
        Self::new(reason, action)
    }
}

/// The help of `--fallback`.
pub(crate) fn help() -> String {
    let mut text = format!(
        "What happens to packets that cannot be classified: an action for those that are IP, or \
         actions by reason, as in `drop,not-ip=drop`; the others pass.\n\nReasons, beside `{IP}` \
         for all that are about IP:\n"
    );
    for reason in Reason::ALL {
        let not_ip = if reason.is_ip() { "" } else { " (not IP)" };
        text.push_str(&format!("- {reason}: {}{not_ip}\n", reason.description()));
    }
    text.trim_end().to_owned()
}

/// Reads the fallbacks of a project file: `"drop"`, `"drop,not-ip=drop"` or a table
/// of actions by reason.
pub(crate) fn of_project<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Fallback>, D::Error> {
    struct Written;

    impl<'de> Visitor<'de> for Written {
        type Value = Vec<Fallback>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an action such as \"drop\", or actions by reason: { not-ip = \"drop\" }")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            text.split(',').map(|part| part.trim().parse().map_err(E::custom)).collect()
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut all = Vec::new();
            while let Some((reason, action)) = map.next_entry::<String, Action>()? {
                all.push(Fallback::new(&reason, action).map_err(M::Error::custom)?);
            }
            Ok(all)
        }
    }

    from.deserialize_any(Written)
}

/// The action of each reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fallbacks(BTreeMap<Reason, Action>);

impl Default for Fallbacks {
    /// Every packet passes.
    fn default() -> Self {
        Self(Reason::ALL.into_iter().map(|reason| (reason, Action::Pass)).collect())
    }
}

impl Fallbacks {
    /// The action of packets that cannot be classified for this reason.
    pub(crate) fn of(&self, reason: Reason) -> Action {
        self.0[&reason]
    }

    /// Changes what `wanted` names; a reason that is named wins over all of IP,
    /// and later entries over earlier ones.
    pub(crate) fn change(&mut self, wanted: &[Fallback]) {
        for Fallback { action, .. } in wanted.iter().filter(|it| it.reason.is_none()) {
            for (_, of_ip) in self.0.iter_mut().filter(|(reason, _)| reason.is_ip()) {
                *of_ip = *action;
            }
        }
        for fallback in wanted {
            if let Some(reason) = fallback.reason {
                self.0.insert(reason, fallback.action);
            }
        }
    }

    /// As `enum xdp_action` numbers them, by number of the reason. Number 0 is
    /// that of no reason, and passes.
    pub(crate) fn xdp(&self) -> Vec<u32> {
        let of_none = Action::Pass.xdp();
        std::iter::once(of_none).chain(Reason::ALL.map(|reason| self.of(reason).xdp())).collect()
    }

    /// The reasons by action, if any has another than to pass.
    pub(crate) fn line(&self) -> Option<String> {
        let groups = Action::value_variants().iter().filter_map(|&action| {
            let reasons = self.0.iter().filter(|(_, of_reason)| **of_reason == action);
            let names: Vec<&str> = reasons.map(|(reason, _)| reason.name()).collect();
            (!names.is_empty()).then(|| (action, format!("{action} {}", names.join(", "))))
        });
        let (mut actions, mut texts): (Vec<Action>, Vec<String>) = groups.unzip();
        if actions == [Action::Pass] {
            return None;
        }
        if actions.first() == Some(&Action::Pass) {
            actions.rotate_left(1);
            texts.rotate_left(1);
        }
        Some(format!("what cannot be classified: {}", texts.join("; ")))
    }
}

/// As on the command line.
impl fmt::Display for Fallbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut of_ip: Vec<Action> =
            self.0.iter().filter(|(reason, _)| reason.is_ip()).map(|(_, &action)| action).collect();
        of_ip.dedup();
        let base = if let [one] = of_ip[..] { one } else { Action::Pass };
        write!(f, "{base}")?;
        for (reason, &action) in &self.0 {
            let meant = if reason.is_ip() { base } else { Action::Pass };
            if action != meant {
                write!(f, ",{reason}={action}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Fallbacks {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (reason, action) in &self.0 {
            map.serialize_entry(reason.name(), action)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fallbacks {
    /// Wants every reason.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut named = BTreeMap::<String, Action>::deserialize(from)?;
        let mut of = |reason: Reason| {
            let missing = || D::Error::custom(format!("`fallback` lacks `{reason}`"));
            Ok((reason, named.remove(reason.name()).ok_or_else(missing)?))
        };
        let all = Reason::ALL.into_iter().map(&mut of).collect::<Result<_, D::Error>>()?;
        match named.pop_first() {
            Some((name, _)) => Err(D::Error::custom(unknown_reason(&name))),
            None => Ok(Self(all)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Fallbacks {
        let mut fallbacks = Fallbacks::default();
        let wanted: Vec<Fallback> = texts.iter().map(|text| text.parse().unwrap()).collect();
        fallbacks.change(&wanted);
        fallbacks
    }

    #[test]
    fn an_action_alone_is_for_what_is_ip() {
        let drop = of(&["drop"]);
        for reason in Reason::ALL {
            assert_eq!(drop.of(reason) == Action::Drop, reason.is_ip(), "{reason}");
        }
        assert_eq!(of(&["ip=drop"]), drop);
        assert_eq!(of(&["not-ip=drop", "drop"]).of(Reason::NotIp), Action::Drop);
        assert_eq!(of(&["tcp-cut=tx", "drop"]).of(Reason::TcpCut), Action::Tx);
        assert_eq!(of(&["drop"]).xdp().len(), Reason::COUNT as usize);
        assert_eq!(of(&["drop"]).xdp()[0], Action::Pass.xdp());
    }

    #[test]
    fn fallbacks_are_written_as_they_are_read() {
        for (texts, form) in [
            (&["pass"][..], "pass"),
            (&["drop"], "drop"),
            (&["drop", "not-ip=drop"], "drop,not-ip=drop"),
            (&["tcp-cut=drop", "not-ip=tx"], "pass,not-ip=tx,tcp-cut=drop"),
        ] {
            let fallbacks = of(texts);
            assert_eq!(fallbacks.to_string(), form);
            assert_eq!(of(&form.split(',').collect::<Vec<_>>()), fallbacks);
            let json = serde_json::to_string(&fallbacks).unwrap();
            assert_eq!(serde_json::from_str::<Fallbacks>(&json).unwrap(), fallbacks);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let check = |text: &str, expect: &str| {
            let found = text.parse::<Fallback>().unwrap_err();
            assert!(found.contains(expect), "{found}");
        };
        check("maybe", "unknown action `maybe`");
        check("tcp-cutt=drop", "did you mean `tcp-cut`?");
        check("arp=drop", "there are ip (all of IP), ethernet-cut, not-ip");
        let json = serde_json::to_string(&of(&["drop"])).unwrap();
        let lacking = json.replace("\"not-ip\":\"pass\",", "");
        assert!(serde_json::from_str::<Fallbacks>(&lacking).is_err());
        let other = json.replace("not-ip", "not-arp");
        assert!(serde_json::from_str::<Fallbacks>(&other).is_err());
    }
}
