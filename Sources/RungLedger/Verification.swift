import RungCore

/// That an execution was done again and compared with what it had made: a record object of the store, kept for ever
/// (docs/formats/record.md).
public struct Verification: Hashable, Sendable {
  /// The name of the format.
  public static let format = "rung/verification/1"

  /// What came of it; the best first.
  public enum Verdict: String, Hashable, Sendable, CaseIterable {
    /// Every byte was the same.
    case identical
    /// Bytes differ, and all numbers lie within the tolerance that the pipeline declares.
    case within
    /// It made something else.
    case different
    /// It could not be done again: it failed, or something that it needs is gone.
    case failed

    /// The worst of several; `identical` of none.
    public static func worst(_ verdicts: some Sequence<Verdict>) -> Verdict {
      let all = Set(verdicts)
      return allCases.last { all.contains($0) } ?? .identical
    }
  }

  /// How one output compared.
  public struct Output: Hashable, Sendable {
    /// The output's name.
    public var name: String
    /// What the record has.
    public var expected: Digest
    /// What was made now; nil when nothing was.
    public var made: Digest?
    /// The verdict on it.
    public var verdict: Verdict
    /// What differs first, a sentence for people; nil when nothing does.
    public var difference: String?

    /// An output.
    public init(name: String, expected: Digest, made: Digest?, verdict: Verdict, difference: String?) {
      self.name = name
      self.expected = expected
      self.made = made
      self.verdict = verdict
      self.difference = difference
    }
  }

  /// The record of the execution that was done again.
  public var record: Digest
  /// Its instance.
  public var instance: String
  /// Its action key.
  public var key: Digest
  /// Which repetition of one command this was, from 1.
  public var repetition: Int
  /// What had other values than in the run before: `host name`, `process ids`, ….
  public var varied: [String]
  /// The verdict.
  public var verdict: Verdict
  /// Why it could not be done again; nil when it could.
  public var problem: String?
  /// Each output.
  public var outputs: [Output]
  /// The host's name.
  public var host: String
  /// Nanoseconds since 1970.
  public var at: Int64
  /// How long the execution took, in nanoseconds.
  public var duration: Int64
  /// The version of Rung.
  public var version: String

  /// A verification from all its parts; see the properties.
  public init(
    record: Digest, instance: String, key: Digest, repetition: Int, varied: [String], verdict: Verdict,
    problem: String?, outputs: [Output], host: String, at: Int64, duration: Int64, version: String
  ) {
    self.record = record
    self.instance = instance
    self.key = key
    self.repetition = repetition
    self.varied = varied
    self.verdict = verdict
    self.problem = problem
    self.outputs = outputs
    self.host = host
    self.at = at
    self.duration = duration
    self.version = version
  }

  /// The verification as JSON; the same one always gives the same text.
  public var json: JSON {
    let outputs = outputs.map { output -> JSON in
      [
        "name": .string(output.name), "expected": .digest(output.expected),
        "made": output.made.map { .digest($0) } ?? .null, "verdict": .string(output.verdict.rawValue),
        "difference": .optional(output.difference),
      ]
    }
    return [
      "format": .string(Self.format), "record": .digest(record), "instance": .string(instance), "key": .digest(key),
      "repetition": .int(repetition), "varied": .array(varied.map { .string($0) }),
      "verdict": .string(verdict.rawValue), "problem": .optional(problem), "outputs": .array(outputs),
      "host": .string(host), "at_ns": .int(at), "duration_ns": .int(duration), "version": .string(version),
    ]
  }

  /// Reads a verification. Nil when the JSON is none of this format.
  public init?(json: JSON) {
    guard json["format"]?.string == Self.format, let record = json["record"]?.digest,
      let instance = json["instance"]?.string, let key = json["key"]?.digest,
      let verdict = json["verdict"]?.string.flatMap(Verdict.init(rawValue:)), let list = json["outputs"]?.array
    else { return nil }
    let outputs = list.compactMap { output -> Output? in
      guard let name = output["name"]?.string, let expected = output["expected"]?.digest,
        let verdict = output["verdict"]?.string.flatMap(Verdict.init(rawValue:))
      else { return nil }
      return Output(
        name: name, expected: expected, made: output["made"]?.digest, verdict: verdict,
        difference: output["difference"]?.string)
    }
    guard outputs.count == list.count else { return nil }
    self.init(
      record: record, instance: instance, key: key, repetition: json["repetition"]?.int ?? 1,
      varied: json["varied"]?.array?.compactMap(\.string) ?? [], verdict: verdict, problem: json["problem"]?.string,
      outputs: outputs, host: json["host"]?.string ?? "", at: Int64(json["at_ns"]?.int ?? 0),
      duration: Int64(json["duration_ns"]?.int ?? 0), version: json["version"]?.string ?? "")
  }

  /// Reads a verification from the bytes of its object. Nil as `init(json:)`.
  public init?(bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes) else { return nil }
    self.init(json: json)
  }

  /// The bytes of the object.
  public var bytes: [UInt8] { json.compactBytes + [10] }
}
