import RungCore
import RungModel
import Testing

@testable import RungPlan

@Suite struct KeyTests {
  static let fields = [
    KeyField(.command, value: "python {code} --n {n}"), KeyField(.parameter, "n", value: "3"),
    KeyField(.input, "code", value: "pipelines/x/f.py", digest: Digest(ofText: "print()")),
  ]

  // A change here changes every key of every cache: it wants a new domain, not a new golden value.
  @Test func goldenValues() {
    #expect(ActionKey(fields: []).digest.hex == "4f631da882ba6fb2ec841c77edc9266b69437be75021ccf220f658d1a6a5f9dc")
    #expect(
      ActionKey(fields: Self.fields).digest.hex == "4a8b284b933a548f4a0292343a65f7cb66d1018fa7281f5eccc714d299487a99")
    #expect(
      ActionKey(fields: [KeyField(.axis, "w", value: "é\n")]).digest.hex
        == "d0ebdb1fd0ece79d37fd2a71caf4b72f84fb4c93f2faaef7bb96c4ccc8f1b465")
  }

  @Test func theSharedPartIsHashedOnce() {
    var base = ActionKey.Base(fields: Array(Self.fields.prefix(1)))
    let own = Array(Self.fields.dropFirst())
    #expect(base.key(adding: own) == ActionKey(fields: Self.fields))
    #expect(base.digest(adding: own) == ActionKey(fields: Self.fields).digest)
    #expect(base.digest(adding: []) == ActionKey(fields: Array(Self.fields.prefix(1))).digest)
  }

  // Small alphabets, so that texts that run into each other meet.
  @Test func differentFieldsHaveDifferentKeys() {
    var seen: [Digest: [KeyField]] = [:]
    var random = Seeded(1)
    for _ in 0..<20_000 {
      let fields = Self.randomFields(&random)
      let digest = ActionKey(fields: fields).digest
      if let known = seen[digest] { #expect(known == fields) }
      seen[digest] = fields
    }
  }

  @Test func differencesAreEmptyJustForEqualFields() {
    var random = Seeded(2)
    for _ in 0..<20_000 {
      let old = Self.randomFields(&random)
      let new = Bool.random(using: &random) ? old.shuffled(using: &random) : Self.randomFields(&random)
      let reasons = Reason.differences(from: old, to: new)
      func bag(_ fields: [KeyField]) -> [KeyField: Int] { Dictionary(fields.map { ($0, 1) }, uniquingKeysWith: +) }
      // Fields of one kind and name are told apart by their order only; up to that, equal bags have no differences.
      let unique = Set(old.map { "\($0.kind) \($0.name)" }).count == old.count
      if bag(old) != bag(new) { #expect(!reasons.isEmpty) }
      if unique, bag(old) == bag(new) { #expect(reasons.isEmpty) }
      guard unique, Set(new.map { "\($0.kind) \($0.name)" }).count == new.count else { continue }
      // Applied to the old ones they give the new ones.
      var applied = old
      for reason in reasons {
        applied.removeAll { $0.kind.rawValue == reason.field && $0.name == reason.name }
        if let value = reason.new, let kind = KeyField.Kind(rawValue: reason.field) {
          applied.append(KeyField(kind, reason.name, value: value, digest: reason.newDigest))
        }
      }
      #expect(bag(applied) == bag(new))
      #expect(reasons.allSatisfy { $0.old != nil || $0.new != nil })
    }
  }

  private static func randomFields(_ random: inout Seeded) -> [KeyField] {
    (0..<Int.random(in: 0...3, using: &random)).map { _ in
      func word() -> String {
        (0..<Int.random(in: 0...2, using: &random)).map { _ in ["a", "b"][Int.random(in: 0..<2, using: &random)] }
          .joined()
      }
      let kinds: [KeyField.Kind] = [.command, .input, .axis]
      return KeyField(
        kinds[Int.random(in: 0..<3, using: &random)], word(), value: word(),
        digest: Int.random(in: 0..<3, using: &random) == 0 ? Digest(ofText: word()) : nil)
    }
  }

  @Test func whatLooksLikeAReferenceIsNone() {
    func template(_ segments: Template.Segment...) -> Template { Template(segments: segments) }
    let n = Template.Segment.reference(.parameter("n", path: []))
    let texts = [
      template(.literal("echo "), n, .literal(" {n}")), template(.literal("echo {n} "), n),
      template(.literal("echo "), n, .literal(" "), n), template(.literal("echo {n} {n}")),
      template(.literal("{"), n, .literal("}")), template(.literal("{{n}}")), template(.literal("{n}")), template(n),
    ].map(KeyFields.keyText)
    #expect(Set(texts).count == texts.count)
    // What no file can mean as a reference stays readable.
    for text in ["awk '{print $1}' ${HOME}", "a {} {,} { n } {a,b} {", #"{"a": 1}"#] {
      #expect(KeyFields.keyText(of: Template(literal: text)) == text)
    }
  }

  @Test func theWalkTakesWhatCanChangeAResultAndNothingElse() {
    let out = Output(name: "o", path: Template(literal: "o.json"), publish: Template(literal: "fig.json"))
    func fields(_ change: (inout Step) -> Void = { _ in }) -> [KeyField] {
      var step = Step(
        name: "s", command: .shell(Template(segments: [.literal("run "), .reference(.parameter("n", path: []))]), .sh),
        outputs: [out])
      change(&step)
      return KeyFields.shared(
        step, parameters: ["n": 3, "m": 4], references: KeyFields.references(of: step),
        callerVariables: ["V": "caller"], program: nil, environment: [])
    }
    let base = fields()
    #expect(
      base.map { "\($0.kind) \($0.name)=\($0.value)" } == [
        "command =run {n}", "shell =sh", "parameter n=3", "output o=o.json",
      ])
    let same: [(inout Step) -> Void] = [
      { $0.name = "other" }, { $0.kind = "train" }, { $0.retries = 3 }, { $0.timeout = TimeSpan(nanoseconds: 1) },
      { $0.outputs[0].publish = nil }, { $0.resources.memory = ByteCount(bytes: 5) },
      { $0.outputs[0].tolerance = Tolerance(absolute: 1) }, { $0.outputs[0].compression = .raw },
      { $0.location = SourceLocation(file: "f", line: 1, column: 1) },
    ]
    for change in same { #expect(fields(change) == base) }
    let other: [(inout Step) -> Void] = [
      { $0.command = .shell(Template(segments: [.literal("run  "), .reference(.parameter("n", path: []))]), .sh) },
      { $0.command = .shell(Template(segments: [.literal("run "), .reference(.parameter("n", path: []))]), .bash) },
      {
        $0.command = .arguments([Template(literal: "run"), Template(segments: [.reference(.parameter("n", path: []))])])
      },
      { $0.outputs[0].isDirectory = true }, { $0.outputs[0].name = "p" }, { $0.resources.cpus = 2 },
      { $0.resources.gpus = 1 }, { $0.network = true }, { $0.secrets = ["KEY"] },
      { $0.variables = [Variable(name: "V", value: nil)] },
      { $0.variables = [Variable(name: "V", value: Template(literal: "x"))] },
      { $0.outputs[0].path = Template(segments: [.reference(.parameter("m", path: []))]) },
    ]
    var keys: Set<Digest> = [ActionKey(fields: base).digest]
    for change in other { #expect(keys.insert(ActionKey(fields: fields(change)).digest).inserted) }
    // A list is no text: the words are kept apart.
    let one = fields { $0.command = .arguments([Template(literal: "a b")]) }
    #expect(one != fields { $0.command = .arguments([Template(literal: "a"), Template(literal: "b")]) })
  }
}

@Suite struct UsedAxisTests {
  let axes = [
    Axis(name: "width", values: [AxisValue(label: "1", value: 1)]),
    Axis(name: "site", fields: ["lat", "lon"], values: [AxisValue(label: "a", value: ["lat": 1, "lon": 2])]),
    Axis(name: "seed", values: [AxisValue(label: "0", value: 0)], isReplicate: true),
  ]

  private func names(_ references: [Reference], deterministic: Bool = true) -> [String] {
    KeyFields.usedAxes(references, axes, deterministic: deterministic).map { used in
      ([axes[used.axis].name] + [used.field].compactMap(\.self)).joined(separator: ".")
    }
  }

  @Test func repetitionsAreNeverOneMeasurement() {
    #expect(names([]) == ["seed"])
    #expect(names([.axis("width", field: nil)]) == ["width", "seed"])
    #expect(names([], deterministic: false) == ["width", "site", "seed"])
  }

  @Test func ofATableOnlyTheColumnsInUseCount() {
    #expect(names([.axis("site", field: "lat"), .axis("site", field: "lat")]) == ["site.lat", "seed"])
    #expect(names([.axis("site", field: "lat"), .axis("site", field: nil)]) == ["site", "seed"])
  }

  @Test func ofAStructuredParameterOnlyTheMembersInUseCount() {
    let parameters: [String: JSON] = ["m": ["a": 1, "b": ["c": 2]], "n": 3]
    let used = KeyFields.usedParameters(
      [.parameter("m", path: ["b", "c"]), .parameter("n", path: []), .parameter("m", path: ["a"])], parameters)
    #expect(used == [.init("m.a", 1), .init("m.b.c", 2), .init("n", 3)])
  }

  @Test(arguments: [
    ("echo {}", false), ("echo \"{}\"", true), ("echo '{}'", true), ("echo \"a\" {}", false), ("echo \\\"{}", false),
    ("echo \"$(cat {})\"", false), ("echo \"$(cat \"{}\")\"", true), ("# don't\necho {}", false),
    ("echo a#'{}'", true), ("x=\"a\\\"{}\"", true), ("echo $(cat (a)) '{}'", true), ("echo '\\' {}", false),
  ])
  func quotesAreFollowedAsAShellReadsThem(text: String, isQuoted: Bool) {
    let parts = text.split(separator: "{}", omittingEmptySubsequences: false).map(String.init)
    let reference = Reference.parameter("p", path: [])
    let template = Template(segments: [.literal(parts[0]), .reference(reference), .literal(parts[1])])
    #expect((template.quotedReferences == [reference]) == isQuoted)
  }
}
