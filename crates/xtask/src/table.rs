//! A table of text: the first column to the left, the others to the right.

/// Renders rows of cells below a header.
pub(crate) fn render(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&header).chain(rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut text = String::new();
    for row in std::iter::once(&header).chain(rows) {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            // Words at the end read better from the left.
            let left = column == 0 || column + 1 == header.len();
            if left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [
            vec!["a".into(), "100".into(), "".into()],
            vec!["long".into(), "5".into(), "why".into()],
        ];
        let wanted = "case  rows  note\na      100\nlong     5  why\n";
        assert_eq!(render(&["case", "rows", "note"], &rows), wanted);
    }
}
