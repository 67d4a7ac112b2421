//! HTML of the status pages: the frame, the style, escaping and small parts.
//!
//! Server-rendered, no script but one line for the filter's convenience is missing on purpose: every
//! page works in a text browser and under any content security policy. Light and dark by the
//! reader's preference; one column on a phone, where tables turn into cards.

use std::fmt::{self, Display, Write};

/// Text that is escaped when shown.
#[derive(Debug)]
pub struct Escaped<T>(pub T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The pages, in the order of the navigation: path and title.
const PAGES: [(&str, &str); 4] =
    [("/", "Overview"), ("/targets", "Targets"), ("/ring", "Ring"), ("/config", "Config")];

/// A whole page around `body`. `path` marks the current entry of the navigation.
pub fn page(path: &str, node: &str, body: &str) -> String {
    let title = PAGES.iter().find(|(at, _)| *at == path).map_or("Runnel", |(_, title)| title);
    let mut nav = String::new();
    for (at, title) in PAGES {
        let current = if at == path { " aria-current=\"page\"" } else { "" };
        let _ = write!(nav, "<a href=\"{at}\"{current}>{title}</a>");
    }
    let node = Escaped(node);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title} · runnel {node}</title><style>{STYLE}</style></head>\
         <body><header><b>runnel</b><nav>{nav}</nav><span class=\"node\">{node}</span></header>\
         <main>{body}</main></body></html>"
    )
}

/// A row of figures: name, value, and a class (`ok`, `warn`, `bad` or nothing).
pub fn figures(entries: &[(&str, String, &str)]) -> String {
    let mut text = String::from("<dl class=\"figures\">");
    for (name, value, class) in entries {
        let (name, value) = (Escaped(name), Escaped(value));
        let _ = write!(text, "<div class=\"{class}\"><dt>{name}</dt><dd>{value}</dd></div>");
    }
    text.push_str("</dl>");
    text
}

/// A table whose cells are HTML already. Each cell carries its column's name for the phone layout.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = String::from("<table><thead><tr>");
    for name in head {
        let _ = write!(text, "<th>{}</th>", Escaped(name));
    }
    text.push_str("</tr></thead><tbody>");
    for row in rows {
        text.push_str("<tr>");
        for (name, cell) in head.iter().zip(row) {
            let _ = write!(text, "<td data-name=\"{}\">{cell}</td>", Escaped(name));
        }
        text.push_str("</tr>");
    }
    text.push_str("</tbody></table>");
    text
}

/// A small coloured word.
pub fn badge(class: &str, text: &str) -> String {
    format!("<span class=\"badge {class}\">{}</span>", Escaped(text))
}

const STYLE: &str = "\
:root{--bg:#fbfbfa;--fg:#1d2327;--dim:#5d6a70;--line:#dfe3e4;--card:#fff;--ok:#17744a;--warn:#8f5b00;--bad:#b3261e;--link:#0b5fa5}\
@media(prefers-color-scheme:dark){:root{--bg:#14181a;--fg:#e4e8ea;--dim:#98a4aa;--line:#2c3438;--card:#1b2124;--ok:#5cc694;--warn:#e0aa4e;--bad:#ff8a80;--link:#7cb8ee}}\
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}\
a{color:var(--link)}header{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;align-items:baseline;padding:.7rem 1rem;border-bottom:1px solid var(--line);background:var(--card)}\
nav{display:flex;gap:1rem}nav a{text-decoration:none;color:var(--dim);padding:.2rem 0}nav a[aria-current]{color:var(--fg);border-bottom:2px solid var(--link)}\
.node{margin-left:auto;color:var(--dim)}main{max-width:76rem;margin:0 auto;padding:1rem}\
h1{font-size:1.3rem;margin:.4rem 0 .8rem}h2{font-size:1.05rem;margin:1.6rem 0 .5rem}\
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(10rem,1fr));gap:.6rem;margin:0}\
.figures div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}\
dt{color:var(--dim);font-size:.85rem}dd{margin:0;font-size:1.25rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}\
.ok dd,.ok{color:var(--ok)}.warn dd,.warn{color:var(--warn)}.bad dd,.bad{color:var(--bad)}\
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:.5rem}\
th,td{text-align:left;vertical-align:top;padding:.4rem .7rem;border-top:1px solid var(--line);overflow-wrap:anywhere}\
thead th{border-top:0;color:var(--dim);font-weight:500;font-size:.85rem;white-space:nowrap}td{font-variant-numeric:tabular-nums}\
.badge{font-size:.85rem;font-weight:600}.dim{color:var(--dim)}code,pre{font:13px/1.45 ui-monospace,monospace}\
pre{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.8rem;overflow-x:auto}\
.labels span{display:inline-block;margin:0 .5rem .1rem 0}.error{color:var(--bad)}details summary{cursor:pointer;color:var(--dim)}\
form{display:flex;flex-wrap:wrap;gap:.5rem;margin:.5rem 0 1rem}input,select,button{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.35rem .6rem}input{flex:1 1 12rem}\
.banner{border:1px solid var(--bad);color:var(--bad);border-radius:.5rem;padding:.6rem .8rem;margin:0 0 1rem;white-space:pre-wrap}\
@media(max-width:44rem){thead{display:none}tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}td{display:flex;gap:.6rem;border:0;padding:.15rem .7rem}td::before{content:attr(data-name);flex:0 0 6.5rem;color:var(--dim);font-size:.85rem}.node{margin-left:0}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_place() {
        let nasty = "<script>\"&'";
        let safe = "&lt;script&gt;&quot;&amp;&#39;";
        assert_eq!(Escaped(nasty).to_string(), safe);
        for text in
            [page("/", nasty, ""), figures(&[(nasty, nasty.to_owned(), "")]), badge("ok", nasty)]
        {
            assert!(text.contains(safe) && !text.contains("<script"), "{text}");
        }
    }

    #[test]
    fn the_current_page_is_marked() {
        assert!(page("/ring", "n", "").contains("<a href=\"/ring\" aria-current=\"page\">"));
    }
}
