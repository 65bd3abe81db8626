//! The hostile zoo: guests that each do one misdeed, from a few lines of WebAssembly text. Knows the contract and nothing of
//! the host that is to hold them: what each must end with stands beside it.
//!
//! Each is a connector with a `deed` and, beside it, a `fine` that answers 7: a host that holds is one whose next job works.

/// One misdeed. Its guest imports `log` and `random`, which every plugin has, and needs no grant.
#[derive(Debug, Clone)]
pub struct Animal {
    pub name: &'static str,
    /// The component.
    pub wasm: Vec<u8>,
    /// What to call.
    pub export: &'static str,
    /// The code of the failure that it must end with.
    pub code: &'static str,
}

/// What every animal answers where it behaves.
pub const FINE: &str = "fine";
/// What it answers there.
pub const SEVEN: u32 = 7;

/// The parts in which the animals differ.
struct Cage {
    /// The type of what `deed` gives, as components write it.
    gives: &'static str,
    /// Functions and data of the guest's core module, `deed` among them.
    core: String,
    /// The body of the guest's allocator.
    realloc: &'static str,
    /// Options of the lifted `deed` beside its memory.
    lift: &'static str,
}

impl Default for Cage {
    fn default() -> Cage {
        Cage { gives: "u32", core: String::new(), realloc: "unreachable", lift: "" }
    }
}

impl Cage {
    /// The component in text: one memory of 40 pages that the guest shares with its allocator, the services lowered for it, and
    /// a resource type of its own.
    fn text(&self) -> String {
        let Cage { gives, core, realloc, lift } = self;
        format!(
            r#"(component
            (import "remitd:plugin/log@1.0.0" (instance $log
                (type $level (enum "debug" "info" "warn" "error"))
                (export "level" (type $l (eq $level)))
                (export "write" (func (param "level" $l) (param "message" string)))))
            (import "remitd:plugin/random@1.0.0" (instance $random
                (export "bytes" (func (param "len" u32) (result (list u8))))))
            (type $thing (resource (rep i32)))
            (core module $libc
                (memory (export "memory") 40)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc}))
            (core instance $c (instantiate $libc))
            (alias core export $c "memory" (core memory $memory))
            (alias core export $c "realloc" (core func $realloc))
            (core func $write (canon lower (func $log "write") (memory $memory)))
            (core func $bytes (canon lower (func $random "bytes")
                (memory $memory) (realloc $realloc)))
            (core func $new (canon resource.new $thing))
            (core func $drop (canon resource.drop $thing))
            (core instance $host
                (export "write" (func $write)) (export "bytes" (func $bytes))
                (export "new" (func $new)) (export "drop" (func $drop))
                (export "memory" (memory $memory)))
            (core module $m
                (import "host" "write" (func $write (param i32 i32 i32)))
                (import "host" "bytes" (func $bytes (param i32 i32)))
                (import "host" "new" (func $new (param i32) (result i32)))
                (import "host" "drop" (func $drop (param i32)))
                (import "host" "memory" (memory 40))
                (func (export "fine") (result i32) i32.const {SEVEN})
                {core})
            (core instance $i (instantiate $m (with "host" (instance $host))))
            (func $fine (result u32) (canon lift (core func $i "fine")))
            (func $deed (result {gives}) (canon lift (core func $i "deed") (memory $memory) {lift}))
            (instance $out (export "fine" (func $fine)) (export "deed" (func $deed)))
            (export "remitd:plugin/connector@1.0.0" (instance $out)))"#
        )
    }

    fn animal(&self, name: &'static str, code: &'static str) -> Animal {
        let wasm = wat::parse_str(self.text()).unwrap_or_else(|error| panic!("{name}: {error}"));
        Animal { name, wasm, export: "deed", code }
    }
}

/// One whose `deed` is these instructions.
fn simple(name: &'static str, code: &'static str, deed: &str) -> Animal {
    Cage { core: format!(r#"(func $deed (export "deed") (result i32) {deed})"#), ..Cage::default() }
        .animal(name, code)
}

/// One whose `deed` gives something, for which `core` is the whole of its module.
fn giving(name: &'static str, code: &'static str, gives: &'static str, core: &str) -> Animal {
    Cage { gives, core: core.to_owned(), ..Cage::default() }.animal(name, code)
}

/// Every animal that needs nothing from outside.
pub fn animals() -> Vec<Animal> {
    [greedy(), lying(), answering(), talking(), hoarding()].concat()
}

/// They take time, memory, stack.
fn greedy() -> Vec<Animal> {
    let spin = "(loop $again (br $again)) unreachable";
    let starting =
        format!(r#"(func $spin {spin}) (start $spin) (func (export "deed") (result i32) i32.const 1)"#);
    let parting = format!(
        r#"(func (export "deed") (result i32) i32.const 1)
           (func (export "part") (param i32) {spin})"#
    );
    let asking =
        r#"(func (export "deed") (result i32) (call $bytes (i32.const 8) (i32.const 64)) i32.const 1)"#;
    vec![
        simple("loop", "time-limit", spin),
        // It does not even begin: there is nothing good about it, so the good export is the deed.
        Animal {
            export: FINE,
            ..Cage { core: starting, ..Cage::default() }.animal("loop-at-the-start", "time-limit")
        },
        Cage { core: parting, lift: r#"(post-return (core func $i "part"))"#, ..Cage::default() }
            .animal("loop-after-the-answer", "time-limit"),
        Cage { core: asking.to_owned(), realloc: spin, ..Cage::default() }
            .animal("loop-in-the-allocator", "time-limit"),
        simple(
            "memory-bomb",
            "memory-limit",
            "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
        ),
        giving(
            "table-bomb",
            "table-limit",
            "u32",
            r#"(table $t 1 funcref)
               (func (export "deed") (result i32)
                   (loop $more (br_if $more
                       (i32.ne (table.grow $t (ref.null func) (i32.const 4096)) (i32.const -1))))
                   unreachable)"#,
        ),
        simple("recursion", "stack-overflow", "call $deed i32.const 1 i32.add"),
        simple("trap", "trapped", "unreachable"),
        simple("division-by-nothing", "trapped", "(i32.div_u (i32.const 1) (i32.const 0))"),
    ]
}

/// They break the rules by which values cross.
fn lying() -> Vec<Animal> {
    let asking =
        r#"(func (export "deed") (result i32) (call $bytes (i32.const 8) (i32.const 64)) i32.const 1)"#;
    // The last bytes of what an i32 can address.
    let nowhere = r#"(func (export "deed") (result i32) i32.const -16)"#;
    // A text, an option or a list at 64; what it is made of stands at 16.
    let at_64 = |data: &str| {
        format!(
            r#"(data (i32.const 16) "\ff\fe\ff\fe") (data (i32.const 64) "{data}")
        (func (export "deed") (result i32) i32.const 64)"#
        )
    };
    vec![
        giving("answer-outside-of-memory", "trapped", "string", nowhere),
        giving("text-outside-of-memory", "trapped", "string", &at_64(r"\f0\ff\ff\7f\08\00\00\00")),
        giving("text-that-is-none", "trapped", "string", &at_64(r"\10\00\00\00\04\00\00\00")),
        giving("numbers-at-odd-places", "trapped", "(list u32)", &at_64(r"\11\00\00\00\02\00\00\00")),
        giving("option-of-no-kind", "trapped", "(option u32)", &at_64(r"\07\00\00\00\00\00\00\00")),
        giving("result-of-no-kind", "trapped", "(result u32 (error u32))", &at_64(r"\09\00\00\00")),
        giving(
            "half-a-character",
            "trapped",
            "char",
            r#"(func (export "deed") (result i32) i32.const 0xd800)"#,
        ),
        Cage { core: asking.to_owned(), realloc: "i32.const -8", ..Cage::default() }
            .animal("allocator-outside-of-memory", "trapped"),
        Cage { core: asking.to_owned(), realloc: "unreachable", ..Cage::default() }
            .animal("allocator-that-traps", "trapped"),
    ]
}

/// They hand over too much.
fn answering() -> Vec<Animal> {
    let at_8 = |address: u32, len: u32| {
        format!(
            "(i32.store (i32.const 8) (i32.const {address})) (i32.store (i32.const 12) (i32.const {len})) i32.const 8"
        )
    };
    let deed = |body: String| format!(r#"(func (export "deed") (result i32) (local $n i32) {body})"#);
    // A hundred thousand times the address 1,000,000 and the length 1,000,000, from 16 on.
    let aliases = format!(
        "(loop $next
            (i32.store (i32.add (i32.const 16) (i32.mul (local.get $n) (i32.const 8))) (i32.const 1000000))
            (i32.store (i32.add (i32.const 20) (i32.mul (local.get $n) (i32.const 8))) (i32.const 1000000))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $n) (i32.const 100000)))) {}",
        at_8(16, 100_000)
    );
    // Grown to 40 MiB first, of which no page was ever written.
    let long = format!("(drop (memory.grow (i32.const 600))) {}", at_8(0, 38 << 20));
    vec![
        giving("list-of-a-gibibyte", "trapped", "(list u8)", &deed(at_8(16, 1 << 30))),
        giving("list-without-end", "trapped", "(list u64)", &deed(at_8(16, u32::MAX))),
        giving("text-of-38-mebibytes", "answer-too-large", "string", &deed(long)),
        giving("one-megabyte-a-hundred-thousand-times", "answer-too-large", "(list string)", &deed(aliases)),
    ]
}

/// They talk.
fn talking() -> Vec<Animal> {
    let panic = |len: u32, then: &str| {
        format!(
            r#"(data (i32.const 16) "panicked at src/lib.rs:1:2:\nno cents left")
           (func (export "deed") (result i32)
               (call $write (i32.const 3) (i32.const 16) (i32.const {len})) {then})"#
        )
    };
    let flood =
        "(loop $again (call $write (i32.const 0) (i32.const 16) (i32.const 4)) (br $again)) unreachable";
    vec![
        giving("panic", "panicked", "u32", &panic(41, "unreachable")),
        giving("panic-of-a-megabyte", "panicked", "u32", &panic(1 << 20, "unreachable")),
        giving("panic-and-then-a-loop", "time-limit", "u32", &panic(41, "(loop $on (br $on)) unreachable")),
        simple("host-call-flood", "too-many-host-calls", flood),
        simple(
            "line-of-1-gibibyte",
            "trapped",
            "(call $write (i32.const 0) (i32.const 0) (i32.const 0x40000000)) i32.const 1",
        ),
        simple(
            "line-of-no-level",
            "trapped",
            "(call $write (i32.const 9) (i32.const 16) (i32.const 1)) i32.const 1",
        ),
    ]
}

/// They do not give back what they took, or give it back twice.
fn hoarding() -> Vec<Animal> {
    vec![
        simple(
            "handles-without-end",
            "trapped",
            "(loop $more (drop (call $new (i32.const 1))) (br $more)) unreachable",
        ),
        simple(
            "handle-dropped-twice",
            "trapped",
            "(call $drop (call $new (i32.const 1))) (call $drop (i32.const 1)) i32.const 1",
        ),
        simple("handle-of-nobody", "trapped", "(call $drop (i32.const 77)) i32.const 1"),
    ]
}

/// One that takes so many pages twice, in two memories, and answers 1 where it gets both.
pub fn glutton(pages: u32) -> Animal {
    let core = format!(
        r#"(memory $own 1)
           (func (export "deed") (result i32)
               (if (i32.eq (memory.grow 0 (i32.const {pages})) (i32.const -1)) (then unreachable))
               (if (i32.eq (memory.grow $own (i32.const {pages})) (i32.const -1)) (then unreachable))
               i32.const 1)"#
    );
    giving("two-memories", "memory-limit", "u32", &core)
}

/// The good one, which is called beside them.
pub fn good() -> Animal {
    simple("good", "", "i32.const 7")
}
