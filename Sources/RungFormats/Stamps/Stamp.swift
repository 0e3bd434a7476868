import RungCore

/// What a published copy says about itself: which artifact it is a copy of, and who made that.
///
/// Text form: one line of JSON,
/// `{"format":"rung/stamp/1","artifact":"sha256:…","record":"sha256:…","run":"sha256:…","instance":"…","output":"…"}`,
/// where `run` is null when no run is known. A stamp is a claim: whoever reads one compares the artifact's digest with
/// that of the bytes under the stamp.
public struct Stamp: Hashable, Sendable {
  /// The bytes as the step made them, without a stamp.
  public let artifact: Digest
  /// The record of the execution that made them.
  public let record: Digest
  /// The run that published the copy.
  public let run: Digest?
  /// The instance that made them, such as `pipeline/step[axis=value]`.
  public let instance: String
  /// The name of the output.
  public let output: String

  /// The first member of the text form: its kind and version.
  public static let format = "rung/stamp/1"

  /// No stamp is longer, in bytes of its text form. An instance has at most some hundred axes.
  static let longest = 1 << 16

  /// A stamp.
  public init(artifact: Digest, record: Digest, run: Digest?, instance: String, output: String) {
    self.artifact = artifact
    self.record = record
    self.run = run
    self.instance = instance
    self.output = output
  }

  /// Reads the text form. Members that it does not know are passed over; nil when one is missing, has another type, or
  /// when the text is longer than 64 KiB.
  public init?(json text: String) {
    guard text.utf8.count <= Self.longest, let json = try? JSON(parsing: text) else { return nil }
    guard json["format"]?.string == Self.format else { return nil }
    guard let artifact = json["artifact"]?.digest, let record = json["record"]?.digest else { return nil }
    guard let instance = json["instance"]?.string, let output = json["output"]?.string else { return nil }
    switch json["run"] {
    case .null?: run = nil
    case let value?:
      guard let digest = value.digest else { return nil }
      run = digest
    case nil: return nil
    }
    self.artifact = artifact
    self.record = record
    self.instance = instance
    self.output = output
  }

  /// The text form.
  public var json: String {
    let members: JSON = [
      "format": .string(Self.format), "artifact": .digest(artifact), "record": .digest(record),
      "run": run.map { .digest($0) } ?? .null, "instance": .string(instance), "output": .string(output),
    ]
    return members.compact
  }

  /// The text form in printable ASCII without `<`, `>` and `&`, so that it means the same in any encoding and in XML.
  var plainJSON: [UInt8] {
    var out: [UInt8] = []
    for unit in json.utf16 {
      switch unit {
      case 0x26, 0x3C, 0x3E, 0x7F...:
        // Outside of strings JSON has none of these, and within them the escape is the same character.
        let hex = String(unit, radix: 16)
        out += "\\u".utf8
        out += repeatElement(UInt8(ascii: "0"), count: 4 - hex.utf8.count)
        out += hex.utf8
      default: out.append(UInt8(truncatingIfNeeded: unit))
      }
    }
    return out
  }

  /// The CRC-32 of `plainJSON` in eight hexadecimal digits. Where the format has no checksum of its own, a bit that
  /// toppled in the stamp is noticed by it.
  var sum: String {
    let hex = String(Zlib.crc32(plainJSON), radix: 16)
    return String(repeating: "0", count: 8 - hex.utf8.count) + hex
  }
}
