//! Rules of a policy, as sesearch(1) prints them: `allow SOURCE TARGET:CLASS PERMISSIONS; [ CONDITION ]:True`.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;

/// What a domain may do.
pub(super) struct Rules {
    domain: String,
    rules: Vec<Rule>,
    /// The names that are not types but sets of types.
    attributes: BTreeSet<String>,
}

/// One rule.
#[derive(Clone, Debug)]
struct Rule {
    line: String,
    source: String,
    target: String,
    class: String,
    permissions: Vec<String>,
    /// The boolean on which it depends, as a condition.
    condition: Option<String>,
}

/// What is as it should be. The domain itself is `self`; what depends on a boolean ends with ` [ CONDITION ]`.
pub(super) struct Table {
    /// The condition that every entry may have as well.
    pub(super) condition: Option<&'static str>,
    /// What it may read, search and look at: `TARGET`.
    pub(super) reads: &'static [&'static str],
    /// What it may change, and whose files it may take: `TARGET:CLASS`.
    pub(super) writes: &'static [&'static str],
    /// What it may run, or map as code: `TARGET`.
    pub(super) executes: &'static [&'static str],
    /// Ports, and other processes to talk to: `PERMISSION TARGET:CLASS`.
    pub(super) reaches: &'static [&'static str],
    /// What it may do to processes, itself included: `PERMISSION TARGET`.
    pub(super) processes: &'static [&'static str],
    /// Sockets that it may make or use: `TARGET:CLASS`.
    pub(super) sockets: &'static [&'static str],
    /// Attributes that its own rules may name.
    pub(super) attributes: &'static [&'static str],
}

/// What must not be, whatever a table says: target, or nothing for any, class, permission.
pub(super) type Never = [(&'static str, &'static str, &'static str)];

/// Classes of files.
const FILES: &[&str] = &["blk_file", "chr_file", "dir", "fifo_file", "file", "lnk_file", "sock_file"];
/// What changes a file or a folder, or takes it away.
const CHANGES: &[&str] = &[
    "add_name", "append", "create", "link", "mounton", "quotaon", "relabelfrom", "relabelto", "remove_name", "rename",
    "reparent", "rmdir", "setattr", "unlink", "write",
];
const CODE: &[&str] = &["entrypoint", "execmod", "execute", "execute_no_trans"];
/// What reaches out of the process, by whatever class.
const REACHES: &[&str] = &["connectto", "name_bind", "name_connect", "sendto"];
/// Classes that only matter where packets are labelled.
const LABELLED_NETWORK: &[&str] = &["association", "netif", "node", "packet", "peer"];

impl Rules {
    /// Reads what sesearch prints for a domain.
    pub(super) fn read(domain: &str, printed: &str, attributes: &BTreeSet<String>) -> Result<Rules> {
        let rules = printed.lines().map(|line| Rule::read(line).with_context(|| format!("reading {line:?}")));
        let rules: Vec<Rule> = rules.collect::<Result<_>>()?;
        ensure!(rules.len() > 20, "{domain} has only {} rules", rules.len());
        ensure!(attributes.contains("domain"), "no attributes: {attributes:?}");
        Ok(Rules { domain: domain.to_owned(), rules, attributes: attributes.clone() })
    }

    /// Holds every rule of the domain itself against a table, and what every domain has against another.
    pub(super) fn judge(&self, own: &Table, of_every_domain: &Table, never: &Never) -> Result<()> {
        let mut wrong: Vec<String> = Vec::new();
        for rule in &self.rules {
            let table = if rule.source == self.domain { own } else { of_every_domain };
            let what = self.unlisted(rule, table).into_iter().chain(rule.forbidden(never));
            wrong.extend(what.map(|what| format!("{what}: {}", rule.line)));
        }
        ensure!(wrong.is_empty(), "not listed:\n{}", wrong.join("\n"));
        Ok(())
    }

    /// What a rule allows that the table does not have.
    fn unlisted(&self, rule: &Rule, table: &Table) -> BTreeSet<String> {
        let target = if rule.target == self.domain { "self" } else { &rule.target };
        let place = format!("{target}:{}", rule.class);
        let is_usual = rule.condition.is_none() || rule.condition.as_deref() == table.condition;
        let condition = rule.condition.as_ref().map(|c| format!(" [ {c} ]")).unwrap_or_default();
        let mut unlisted = BTreeSet::new();
        let mut ask = |list: &[&str], what: String| {
            let conditional = format!("{what}{condition}");
            let is_listed = list.contains(&&*conditional) || is_usual && list.contains(&&*what);
            if !is_listed {
                unlisted.insert(conditional);
            }
        };
        if self.attributes.contains(&rule.target) {
            ask(table.attributes, rule.target.clone());
        }
        let class = rule.class.as_str();
        for permission in rule.permissions.iter().map(String::as_str) {
            if LABELLED_NETWORK.contains(&class) {
                continue;
            }
            if REACHES.contains(&permission) {
                ask(table.reaches, format!("{permission} {place}"));
            } else if class == "process" || class == "process2" {
                ask(table.processes, format!("{permission} {target}"));
            } else if class.ends_with("_socket") {
                ask(table.sockets, place.clone());
            } else if CODE.contains(&permission) {
                ask(table.executes, target.to_owned());
            } else if CHANGES.contains(&permission) {
                ask(table.writes, place.clone());
            } else if FILES.contains(&class) {
                ask(table.reads, target.to_owned());
            } else {
                // Descriptors, file systems, and everything that a domain should never need.
                ask(table.reads, place.clone());
            }
        }
        unlisted
    }
}

impl Rule {
    fn read(line: &str) -> Result<Rule> {
        let (rule, condition) = line.split_once(';').context("it does not end")?;
        let mut words = rule.strip_prefix("allow ").context("it does not allow")?.splitn(3, ' ');
        let (source, object) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (target, class) = object.split_once(':').context("it names no class")?;
        let permissions = words.next().context("it names no permission")?;
        let permissions = permissions.trim_matches(['{', '}', ' ']).split(' ').map(str::to_owned).collect();
        let condition = condition.split_once('[').map(|(_, rest)| {
            let (text, value) = rest.split_once(']').unwrap_or((rest, ""));
            let text = text.trim();
            // "off" opens something, too.
            if value.trim() == ":False" { format!("not {text}") } else { text.to_owned() }
        });
        Ok(Rule {
            line: line.to_owned(),
            source: source.to_owned(),
            target: target.to_owned(),
            class: class.to_owned(),
            permissions,
            condition,
        })
    }

    /// What of this must not be.
    fn forbidden(&self, never: &Never) -> Vec<String> {
        let is_this = |(target, class, permission): &&(&str, &str, &str)| {
            let is_target = target.is_empty() || *target == self.target;
            is_target && *class == self.class && self.permissions.iter().any(|p| p == permission)
        };
        never.iter().filter(is_this).map(|(_, class, permission)| format!("never {permission} {class}")).collect()
    }
}

/// The targets of rules that allow something whatever the booleans are.
pub(super) fn unconditional<'a>(
    printed: &'a str,
    class: &'a str,
    permission: &'a str,
) -> impl Iterator<Item = &'a str> {
    let lines = printed.lines().filter(|line| !line.contains("; ["));
    lines.filter_map(move |line| {
        let mut words = line.trim_end_matches(';').split(' ').skip(2);
        let (target, of) = words.next()?.split_once(':')?;
        (of == class && words.any(|word| word == permission)).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a rule is misread, or passes that no table has.
    #[test]
    fn rules_are_held_against_tables() {
        let table = Table {
            condition: Some("usual"),
            reads: &["etc_t", "self"],
            writes: &["own_t:file", "home_t:dir [ homes ]"],
            executes: &[],
            reaches: &["name_connect http_port_t:tcp_socket"],
            processes: &["fork self"],
            sockets: &["self:tcp_socket"],
            attributes: &["port_type [ any ]"],
        };
        let every = Table { reads: &["usr_t"], writes: &[], ..table };
        let never = &[("", "file", "relabelto"), ("shadow_t", "file", "read")];
        let attributes = ["domain", "port_type", "file_type"].map(str::to_owned).into();
        // What is said of the rule; nothing where it is right.
        for (rule, wanted) in [
            ("allow d_t etc_t:file { getattr open read };", ""),
            ("allow domain usr_t:file read;", ""),
            ("allow domain etc_t:file read;", "etc_t"),
            ("allow d_t usr_t:file read;", "usr_t"),
            ("allow d_t etc_t:file read; [ usual ]:True", ""),
            ("allow d_t shadow_t:file read;", "never read file"),
            ("allow d_t d_t:process fork;", ""),
            ("allow d_t other_t:process fork;", "fork other_t"),
            ("allow d_t own_t:file write;", ""),
            ("allow d_t etc_t:file { read write };", "etc_t:file"),
            ("allow d_t own_t:file relabelto;", "never relabelto file"),
            ("allow d_t home_t:dir create; [ homes ]:True", ""),
            ("allow d_t home_t:dir create; [ homes ]:False", "home_t:dir [ not homes ]"),
            ("allow d_t home_t:dir create;", "home_t:dir"),
            ("allow d_t shell_exec_t:file execute;", "shell_exec_t"),
            ("allow d_t http_port_t:tcp_socket name_connect;", ""),
            ("allow d_t ssh_port_t:tcp_socket name_connect;", "name_connect ssh_port_t:tcp_socket"),
            ("allow d_t d_t:capability sys_admin;", "self:capability"),
            ("allow d_t d_t:rawip_socket create;", "self:rawip_socket"),
            ("allow d_t file_type:file read;", "file_type"),
            ("allow d_t netif_t:netif egress;", ""),
        ] {
            let rules = Rules {
                domain: "d_t".to_owned(),
                rules: vec![Rule::read(rule).unwrap()],
                attributes: BTreeSet::clone(&attributes),
            };
            let found = rules.judge(&table, &every, never).map_or_else(|error| error.to_string(), |()| String::new());
            assert_eq!(found.is_empty(), wanted.is_empty(), "{rule}: {found}");
            assert!(found.contains(wanted), "{rule}: {found}");
        }
        assert!(Rule::read("type_transition a b:process c;").is_err());
    }
}
