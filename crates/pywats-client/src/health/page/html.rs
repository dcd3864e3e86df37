//! Writes HTML in which everything that is not of this program is escaped: markup is `&'static str`, so nothing that
//! was read from a file or a server can become any.

use crate::logging::printable;

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, between tags or in a quoted attribute. What steers a terminal or turns the direction of the text is shown.
    pub(super) fn text(&mut self, text: impl AsRef<str>) -> &mut Self {
        for letter in printable(text.as_ref()).chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                letter => self.0.push(letter),
            }
        }
        self
    }

    /// An element with nothing but text in it.
    pub(super) fn element(&mut self, [open, close]: [&'static str; 2], text: impl AsRef<str>) -> &mut Self {
        self.raw(open).text(text).raw(close)
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a text can become markup, end an attribute, or turn the direction of what follows.
    #[test]
    fn text_stays_text() {
        let mut html = Html::default();
        html.element(["<p title=\"", "\">"], "\"><script>alert('1')</script>&amp;\u{202e}\n");
        assert_eq!(
            html.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\\u{202e}\\n\">"
        );
    }
}
