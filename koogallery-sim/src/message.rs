//! The JSON bodies the marketplace sends, member by member, so that their order can be chosen.

use serde_json::Value;

/// One call's members. Sent as the marketplace sends them: compact, in ascending order of names.
#[derive(Clone, Debug)]
pub struct Message(Vec<(String, String)>, Vec<(String, Value)>);

impl Message {
    /// A call of `activity`, marked as a debugging call.
    #[must_use]
    pub fn test(activity: &str) -> Self {
        Self::real(activity).with("testFlag", "1")
    }

    /// A call of `activity` as the marketplace sends it for a buyer: without `testFlag`.
    #[must_use]
    pub fn real(activity: &str) -> Self {
        Self(vec![("activity".to_owned(), activity.to_owned())], Vec::new())
    }

    /// A call that its path names, without an activity.
    pub(crate) fn bare() -> Self {
        Self(Vec::new(), Vec::new())
    }

    /// Sets a member that is no text.
    pub(crate) fn with_json(mut self, name: &str, value: impl Into<Value>) -> Self {
        self = self.without(name);
        self.1.push((name.to_owned(), value.into()));
        self
    }

    /// Sets a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// Sets a member where there is a value.
    #[must_use]
    pub fn with_any(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Leaves a member out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.1.retain(|(known, _)| known != name);
        self
    }

    /// Every member that is a text, as a GET call has them.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every member as a text, numbers as they are written.
    pub(crate) fn texts(&self) -> Vec<(&str, String)> {
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        self.sorted().into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    /// The value of a member.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every member but the activity, in one line.
    #[must_use]
    pub fn others(&self) -> String {
        let members = self.0.iter().filter(|(name, _)| name != "activity");
        let members: Vec<String> = members.map(|(name, value)| format!("{name}={value}")).collect();
        members.join("  ")
    }

    /// What the marketplace signs and sends.
    #[must_use]
    pub fn json(&self) -> String {
        write(self.sorted().into_iter())
    }

    /// The same call with its members in descending order.
    pub(crate) fn json_reversed(&self) -> String {
        write(self.sorted().into_iter().rev())
    }

    fn sorted(&self) -> Vec<(&str, Value)> {
        let texts = self.0.iter().map(|(name, text)| (name.as_str(), Value::from(text.as_str())));
        let others = self.1.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let mut members: Vec<_> = texts.chain(others).collect();
        members.sort_by_key(|(name, _)| *name);
        members
    }

    /// A line for a table: the activity and what tells this call from others.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut words = Vec::new();
        for (name, value) in &self.0 {
            match name.as_str() {
                "activity" => words.insert(0, value.clone()),
                "scene" | "status" => words.push(value.clone()),
                _ => {}
            }
        }
        words.join(" ")
    }
}

fn write<'a>(members: impl Iterator<Item = (&'a str, Value)>) -> String {
    let members: Vec<String> =
        members.map(|(name, value)| format!("{}:{value}", Value::from(name))).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_go_out_in_ascending_order_of_names() {
        let message = Message::test("releaseInstance").with("instanceId", "a\"b");
        assert_eq!(
            message.json(),
            r#"{"activity":"releaseInstance","instanceId":"a\"b","testFlag":"1"}"#
        );
        assert_eq!(
            message.json_reversed(),
            r#"{"testFlag":"1","instanceId":"a\"b","activity":"releaseInstance"}"#
        );
    }

    #[test]
    fn a_member_is_replaced_or_left_out() {
        let message = Message::real("x").with("a", "1").with("a", "2").without("activity");
        assert_eq!(message.json(), r#"{"a":"2"}"#);
    }
}
