//! Errors over rows: medians, tails, shares.

use std::collections::BTreeMap;
use std::io::{self, Write};

use nn_memory::Choice;
use serde_json::{Value, json};

use crate::row::{Held, Pair, Row};

/// Errors over a set of rows.
pub struct Score<'a> {
    rows: &'a [Row],
}

/// Absolute errors in percent.
struct Errors(Vec<f64>);

impl Errors {
    fn of<'a>(pairs: impl Iterator<Item = Pair> + 'a) -> Self {
        let mut errors: Vec<f64> = pairs.map(|pair| pair.error().abs()).collect();
        errors.sort_by(f64::total_cmp);
        Self(errors)
    }

    /// The error that this share of rows stays within.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    fn quantile(&self, share: f64) -> Option<f64> {
        let place = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(place.saturating_sub(1)).copied()
    }

    fn json(&self) -> Value {
        json!({
            "rows": self.0.len(),
            "median": self.quantile(0.5),
            "p90": self.quantile(0.9),
            "p95": self.quantile(0.95),
            "worst": self.quantile(1.0),
        })
    }

    fn line(&self) -> String {
        let show = |share| self.quantile(share).map_or_else(|| format!("{:>8}", "-"), |error| format!("{error:8.2}"));
        format!("{}{}{}{}", show(0.5), show(0.9), show(0.95), show(1.0))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share in percent")]
fn percent(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

struct Group<'a> {
    held: Vec<&'a Held>,
    unsupported: usize,
}

impl<'a> Group<'a> {
    fn of(rows: impl Iterator<Item = &'a Row>) -> Self {
        let (mut held, mut unsupported) = (Vec::new(), 0);
        for row in rows {
            match &row.outcome {
                Ok(pair) => held.push(pair),
                Err(_) => unsupported += 1,
            }
        }
        Self { held, unsupported }
    }

    fn errors(&self, figure: impl Fn(&Held) -> Option<Pair>) -> Errors {
        Errors::of(self.held.iter().filter_map(|held| figure(held)))
    }

    fn share(&self, holds: impl Fn(&Held) -> bool) -> Option<f64> {
        percent(self.held.iter().filter(|held| holds(held)).count(), self.held.len())
    }

    fn json(&self) -> Value {
        let peak = self.errors(|held| Some(held.peak));
        json!({
            "rows": self.held.len(),
            "unsupported": self.unsupported,
            "median": peak.quantile(0.5),
            "p90": peak.quantile(0.9),
            "p95": peak.quantile(0.95),
            "worst": peak.quantile(1.0),
            "phase_right": self.share(|held| held.phase_is_right),
            "parameters_exact": self.share(|held| held.parameters_are_exact),
            "optimizer_state": self.errors(|held| held.optimizer_state).json(),
            "kept_after_forward": self.errors(|held| held.kept_after_forward).json(),
            "peak_in_blocks": self.errors(|held| held.blocks).json(),
            "reserved": self.errors(|held| held.reserved).json(),
        })
    }

    fn line(&self) -> String {
        let share = |share: Option<f64>| share.map_or_else(|| format!("{:>9}", "-"), |share| format!("{share:9.1}"));
        format!(
            "{:5}{:12}{}{}{}",
            self.held.len(),
            self.unsupported,
            self.errors(|held| Some(held.peak)).line(),
            share(self.share(|held| held.phase_is_right)),
            share(self.share(|held| held.parameters_are_exact)),
        )
    }
}

impl<'a> Score<'a> {
    pub fn of(rows: &'a [Row]) -> Self {
        Self { rows }
    }

    fn families(&self) -> BTreeMap<&'a str, Group<'a>> {
        let names: std::collections::BTreeSet<&str> = self.rows.iter().map(|row| row.family.as_str()).collect();
        names.into_iter().map(|name| (name, Group::of(self.rows.iter().filter(|row| row.family == name)))).collect()
    }

    fn all(&self) -> Group<'a> {
        Group::of(self.rows.iter())
    }

    pub fn json(&self) -> Value {
        let mut whole = self.all().json();
        let families: serde_json::Map<String, Value> =
            self.families().into_iter().map(|(name, group)| (name.to_owned(), group.json())).collect();
        whole["families"] = families.into();
        whole
    }

    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "errors of the peak in percent of the measured peak; phase and parameters: share of rows that are right"
        )?;
        writeln!(
            out,
            "{:16}{:>5}{:>12}{:>8}{:>8}{:>8}{:>8}{:>9}{:>9}",
            "family", "rows", "unsupported", "median", "p90", "p95", "worst", "phase", "params"
        )?;
        for (name, group) in self.families() {
            writeln!(out, "{name:16}{}", group.line())?;
        }
        let all = self.all();
        writeln!(out, "{:16}{}", "all", all.line())?;
        writeln!(out)?;
        for (name, errors) in [
            ("optimizer state", all.errors(|held| held.optimizer_state)),
            ("kept after forward", all.errors(|held| held.kept_after_forward)),
            ("peak in blocks", all.errors(|held| held.blocks)),
            ("reserved", all.errors(|held| held.reserved)),
        ] {
            writeln!(out, "{name:29}{:4}{}", errors.0.len(), errors.line())?;
        }
        self.print_worst(out)?;
        self.print_unsupported(out)
    }

    fn print_worst(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut held: Vec<_> = self.rows.iter().filter_map(|row| Some((row, row.outcome.as_ref().ok()?))).collect();
        held.sort_by(|(_, a), (_, b)| b.peak.error().abs().total_cmp(&a.peak.error().abs()));
        writeln!(out, "\nthe ten worst")?;
        for (row, held) in held.into_iter().take(10) {
            writeln!(
                out,
                "{:+8.2} %  estimated {:>15}  measured {:>15}  {} {}",
                held.peak.error(),
                held.peak.estimated,
                held.peak.measured,
                row.id,
                if held.phase_is_right {
                    String::new()
                } else {
                    format!("(phase {} not {})", held.phases.1, held.phases.0)
                }
            )?;
        }
        Ok(())
    }

    fn print_unsupported(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in self.rows {
            if let Err(reason) = &row.outcome {
                reasons.entry(reason).or_default().push(&row.id);
            }
        }
        for (reason, rows) in reasons {
            writeln!(out, "\nunsupported, {reason}: {} rows: {}", rows.len(), rows.join(" "))?;
        }
        Ok(())
    }

    /// What the page needs of each row: the family, the setting, the errors.
    pub fn print_for_page(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "name,model_type,task,precision_mode,optimizer,attention,checkpointing,batch,sequence_length,error_percent,\
             blocks_error_percent"
        )?;
        for row in self.rows {
            let (Some(scenario), Ok(held)) = (&row.scenario, &row.outcome) else { continue };
            let Some(Ok(config)) = scenario.model.config() else { continue };
            let run = &scenario.run;
            writeln!(
                out,
                "{},{},{},{},{},{},{},{},{},{:.2},{:.2}",
                row.name,
                config.family().key(),
                scenario.task.kind().key(),
                run.precision.key(),
                scenario.task.training().map_or("", |training| training.optimizer.key()),
                run.attention.key(),
                run.checkpointing.key(),
                scenario.batch_size,
                scenario.sequence_length,
                held.peak.error(),
                held.blocks.map_or(0.0, |blocks| blocks.error())
            )?;
        }
        Ok(())
    }

    pub fn print_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "id,family,error_percent,estimated,measured,phase_right,parameters_exact,optimizer_error,kept_error,blocks_error,reserved_error,unsupported"
        )?;
        for row in self.rows {
            match &row.outcome {
                Ok(held) => {
                    let error =
                        |pair: Option<Pair>| pair.map_or_else(String::new, |pair| format!("{:.4}", pair.error()));
                    writeln!(
                        out,
                        "{},{},{:.4},{},{},{},{},{},{},{},{},",
                        row.id,
                        row.family,
                        held.peak.error(),
                        held.peak.estimated,
                        held.peak.measured,
                        held.phase_is_right,
                        held.parameters_are_exact,
                        error(held.optimizer_state),
                        error(held.kept_after_forward),
                        error(held.blocks),
                        error(held.reserved)
                    )?;
                }
                Err(reason) => writeln!(out, "{},{},,,,,,,,,,\"{}\"", row.id, row.family, reason.replace('"', "'"))?,
            }
        }
        Ok(())
    }
}
