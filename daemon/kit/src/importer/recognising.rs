//! Whose file is this? Answered from a name and a head, never wrong enough to break.

use crate::bench::Bench;
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::importer::odd::noise;

pub(super) const CASES: &[Case] = &[
    case!("recognises-its-samples", "It claims its own samples, by their names and heads.", its_own),
    case!("leaves-foreign-files", "It does not claim files that are for others.", foreign),
    case!(
        "recognises-by-content",
        "Its own file under another name is not claimed less than a stranger under its name.",
        by_content
    ),
    case!("odd-heads", "Heads of noise, of one byte and of nothing do no harm.", odd_heads),
    case!("cut-heads", "A head that ends in the midst of a letter does no harm.", cut_heads),
];

/// Surer than this is a claim.
const CLAIM: u8 = 50;
const HEAD_BYTES: usize = 4 << 10;
const NOISES: u64 = 40;

async fn sure(bench: &Bench, name: &str, head: &[u8]) -> Result<u8, Ended> {
    let world = bench.fresh().await?;
    let head = head.iter().take(HEAD_BYTES).copied().collect();
    let sure = world.importer()?.recognise(name.to_owned(), head).await;
    unbroken(&sure, &format!("in recognise of a file {:?}", crate::case::cut(name)))?;
    sure.map_err(|failure| failed(format!("recognise ended with {}: it always answers", shown(&failure))))
}

fn samples(bench: &Bench) -> Result<Vec<(&str, &[u8])>, Ended> {
    let samples = bench.fixture.importer.samples.iter();
    let samples: Vec<_> =
        samples.map(|sample| (sample.file.as_str(), bench.fixture.file(&sample.file))).collect();
    if samples.is_empty() {
        Err(skipped("kit.toml has no samples: [importer] samples = […]"))
    } else {
        Ok(samples)
    }
}

async fn its_own(bench: &Bench) -> Tried {
    for (name, bytes) in samples(bench)? {
        let sure = sure(bench, name, bytes).await?;
        if bench.fixture.importer.by_name {
            hold(sure <= CLAIM, || {
                format!(
                    "it is {sure} sure of {name}, and kit.toml says that it is chosen by_name: take that out"
                )
            })?;
            continue;
        }
        hold(sure > CLAIM, || {
            format!("it is {sure} sure of its own sample {name}: more than {CLAIM} is a claim")
        })?;
    }
    Ok(())
}

async fn foreign(bench: &Bench) -> Tried {
    let given = bench.fixture.importer.foreign.iter().map(|name| (name.as_str(), bench.fixture.file(name)));
    let usual: [(&str, &[u8]); 4] = [
        ("photo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("archive.zip", b"PK\x03\x04\x14\0\0\0\x08\0"),
        ("letter.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
        ("program", b"\x7fELF\x02\x01\x01\0"),
    ];
    for (name, head) in given.chain(usual) {
        let sure = sure(bench, name, head).await?;
        hold(sure <= CLAIM, || {
            format!("it is {sure} sure of {name}, which is for others: look at the first bytes")
        })?;
    }
    Ok(())
}

async fn by_content(bench: &Bench) -> Tried {
    for (name, bytes) in samples(bench)? {
        let own = sure(bench, "export.dat", bytes).await?;
        let stranger = sure(bench, name, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0").await?;
        hold(own >= stranger, || {
            format!(
                "it is {own} sure of its own sample {name} under another name, and {stranger} of a picture under that name: go \
                 by the content first"
            )
        })?;
    }
    Ok(())
}

async fn odd_heads(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let importer = world.importer()?;
    for seed in 0..NOISES {
        let head = noise(seed, usize::try_from(seed * seed * 7).unwrap_or(0));
        let sure = importer.recognise(format!("noise-{seed}"), head).await;
        unbroken(&sure, &format!("in recognise of noise ({} bytes)", seed * seed * 7))?;
    }
    for head in [&b""[..], b"\0", b"\n", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\"", b",,,,,,"] {
        let sure = importer.recognise(String::new(), head.to_vec()).await;
        unbroken(&sure, &format!("in recognise of a head {head:?}"))?;
    }
    Ok(())
}

const CUTS: usize = 24;

async fn cut_heads(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let importer = world.importer()?;
    for (name, bytes) in samples(bench)? {
        for end in (0..bytes.len()).take(CUTS) {
            let head = bytes.iter().take(end).copied().collect();
            let sure = importer.recognise(name.to_owned(), head).await;
            unbroken(&sure, &format!("in recognise of the first {end} bytes of {name}"))?;
        }
    }
    Ok(())
}
