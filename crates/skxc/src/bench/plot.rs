//! The net figures as bars, in SVG.

use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::bench::report::{Report, Row, Section, short};
use crate::bench::subjects::Role;

/// Pixels: the width of the picture, the height of a bar, of what is around
/// the bars of a section, and the room for names.
const WIDTH: u32 = 860;
const BAR_HEIGHT: u32 = 34;
const AROUND_HEIGHT: u32 = 110;
const NAMES_WIDTH: u32 = 190;
/// Pixels between a bar and its figure.
const FIGURE_GAP: i32 = 6;
/// Room for the figure behind the longest bar, in parts of its length.
const HEADROOM: f64 = 1.15;
/// Characters of a name that are shown, from its end.
const NAME_CHARS_MAX: usize = 26;

const TITLE: (&str, u32) = ("sans-serif", 15);
const TEXT: (&str, u32) = ("sans-serif", 13);

/// Draws one group of bars a section; whiskers are quartiles.
pub(crate) fn svg(report: &Report) -> String {
    let heights: Vec<u32> = report
        .sections
        .iter()
        .map(|it| bars(it).len() as u32 * BAR_HEIGHT + AROUND_HEIGHT)
        .collect();
    let mut text = String::new();
    {
        let root =
            SVGBackend::with_string(&mut text, (WIDTH, heights.iter().sum())).into_drawing_area();
        root.fill(&WHITE).expect(IN_MEMORY);
        let mut rest = root.clone();
        for (section, height) in report.sections.iter().zip(heights) {
            let (area, below) = rest.split_vertically(height);
            draw(&area, report, section);
            rest = below;
        }
        root.present().expect(IN_MEMORY);
    }
    text
}

const IN_MEMORY: &str = "drawing in memory does not fail";

/// What is drawn, from the bottom up: everything but the empty program.
fn bars(section: &Section) -> Vec<&Row> {
    section.rows.iter().rev().filter(|row| row.role != Role::Empty).collect()
}

fn draw(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    report: &Report,
    section: &Section,
) {
    let bars = bars(section);
    let longest = bars.iter().map(|row| row.net_ns.upper_quartile).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(section.title(&report.name), TITLE)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(NAMES_WIDTH)
        .build_cartesian_2d(0.0..longest * HEADROOM, (0..bars.len() as u32 - 1).into_segmented())
        .expect(IN_MEMORY);
    let name = |place: &SegmentValue<u32>| match place {
        SegmentValue::CenterOf(bar) => shown(&bars[*bar as usize].program),
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .label_style(TEXT)
        .y_labels(bars.len())
        .y_label_formatter(&name)
        .x_label_formatter(&|ns| short(*ns))
        .x_desc("net ns, median and quartiles")
        .draw()
        .expect(IN_MEMORY);
    for (bar, row) in (0..).zip(&bars) {
        let net = row.net_ns;
        let (from, to) = (SegmentValue::Exact(bar), SegmentValue::Exact(bar + 1));
        let mut rectangle =
            Rectangle::new([(0.0, from), (net.median.max(0.0), to)], colour(row.role).filled());
        rectangle.set_margin(6, 6, 0, 0);
        let middle = || SegmentValue::CenterOf(bar);
        let ends = vec![(net.lower_quartile, middle()), (net.upper_quartile, middle())];
        let style = TEXT.into_font().color(&BLACK).pos(Pos::new(HPos::Left, VPos::Center));
        let end = net.upper_quartile.max(0.0);
        let figure = EmptyElement::at((end, middle()))
            + Text::new(short(net.median), (FIGURE_GAP, 0), style);
        chart.draw_series([rectangle]).expect(IN_MEMORY);
        chart.draw_series([PathElement::new(ends, BLACK.stroke_width(2))]).expect(IN_MEMORY);
        chart.draw_series([figure]).expect(IN_MEMORY);
    }
}

fn colour(role: Role) -> RGBColor {
    match role {
        Role::Empty | Role::Parse => RGBColor(160, 160, 160),
        Role::Model => RGBColor(66, 133, 190),
        Role::Other => RGBColor(222, 143, 64),
        Role::Native => RGBColor(122, 160, 90),
    }
}

/// The end of a long name, where paths differ.
fn shown(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let end: String = name.chars().skip(count - NAME_CHARS_MAX + 1).collect();
    format!("…{end}")
}
