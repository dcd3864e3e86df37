//! Numbers in words, and tables that fit the terminal.

use crate::logging::printable;
use jiff::Timestamp;

/// Bytes for people: three digits are enough.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A time span for people, in its largest unit, or two.
pub(super) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 if minutes % 60 == 0 => format!("{hours} h"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ if days == 1 => "1 day".to_owned(),
        _ => format!("{days} days"),
    }
}

/// How long ago something was, as RFC 3339 writes it.
pub(super) fn age(time: &str, now: Timestamp) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => span(now.duration_since(time).as_secs()),
        Err(_) => "-".to_owned(),
    }
}

/// How many of something there are.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// How wide the terminal is; none where the text does not go to one.
pub(super) fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// Rows of columns under their titles. Where it is too wide, the widest columns are cut, but none to less than 12.
pub(super) fn table(titles: &[&str], rows: &[Vec<String>], width: Option<usize>) -> String {
    const GAP: usize = 2;
    const LEAST: usize = 12;
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let mut widths: Vec<usize> = titles.iter().map(|title| title.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    if let Some(width) = width {
        let gaps = GAP * titles.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            match widths.iter_mut().filter(|width| **width > LEAST).max() {
                Some(widest) => *widest -= 1,
                None => break,
            }
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            line.push_str(&format!("{:<width$}", cut(cell, *width)));
            line.push_str(&" ".repeat(GAP));
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut titles.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a size or a time span is not what a person would write.
    #[test]
    fn words() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (9_999, "10 kB"),
            (999_999, "1.0 MB"),
            (64 << 20, "67 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        for (seconds, text) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3600, "1 h"),
            (3660, "1 h 1 min"),
            (86_400, "1 day"),
            (200_000, "2 days"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    /// Fails if: columns do not stand under their titles, a narrow terminal gets lines that are too long, or a name
    /// breaks a line.
    #[test]
    fn tables() {
        let rows = [
            vec!["1".to_owned(), "a-rather-long-name.json".to_owned(), "x".to_owned()],
            vec!["12".to_owned(), "b\nc".to_owned(), "y".to_owned()],
        ];
        let wide = table(&["N", "FILE", "Z"], &rows, None);
        let starts: Vec<Option<usize>> = wide.lines().map(|line| line.find(['Z', 'x', 'y'])).collect();
        assert_eq!((starts.len(), starts[0], starts[1]), (3, starts[2], starts[2]), "{wide}");
        let narrow = table(&["N", "FILE", "Z"], &rows, Some(20));
        assert!(narrow.lines().all(|line| line.chars().count() <= 20), "{narrow}");
        assert!(narrow.contains("a-rather-l") && narrow.contains('…'), "{narrow}");
    }
}
