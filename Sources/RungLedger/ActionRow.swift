import RungCore
import RungDatabase

/// An entry of the action cache: the key of an action, what an execution of it was observed to read, and what came of it.
///
/// A key may have several entries, one for each observation: they are candidates, and the one whose observed files are
/// still as they were is the result.
public struct ActionRow: Hashable, Sendable {
  /// The action key.
  public var key: Digest
  /// What the execution was observed to read.
  public var observed: Observed
  /// How far the execution was watched, in the words of records.
  public var watch: String
  /// When the execution started, in nanoseconds since 1970; 0 where the ledger was made before this was kept.
  public var made: Int64
  /// The record of the execution.
  public var record: Digest
  /// What it made, in the order of declaration: enough to go on without reading the record.
  public var outputs: [ActionOutput]

  /// An entry.
  public init(
    key: Digest, observed: Observed = Observed(), watch: String = "declared", made: Int64 = 0, record: Digest,
    outputs: [ActionOutput]
  ) {
    self.key = key
    self.observed = observed
    self.watch = watch
    self.made = made
    self.record = record
    self.outputs = outputs
  }
}

/// One output in an entry of the action cache.
public struct ActionOutput: Hashable, Sendable {
  /// What kind of object it is.
  public enum Kind: UInt8, Sendable {
    /// A regular file.
    case file = 0
    /// A regular file with its executable bit set.
    case executable = 1
    /// A directory, as a tree manifest.
    case tree = 2

    /// The word used in records.
    public var name: String {
      switch self {
      case .file: "file"
      case .executable: "executable"
      case .tree: "tree"
      }
    }

    /// The kind with this word; nil for another.
    public init?(name: String) {
      switch name {
      case "file": self = .file
      case "executable": self = .executable
      case "tree": self = .tree
      default: return nil
      }
    }
  }

  /// The name.
  public var name: String
  /// The kind of object.
  public var kind: Kind
  /// The content.
  public var digest: Digest
  /// In bytes.
  public var size: Int64

  /// An output.
  public init(name: String, kind: Kind, digest: Digest, size: Int64) {
    self.name = name
    self.kind = kind
    self.digest = digest
    self.size = size
  }
}

extension ActionRow {
  /// The outputs as bytes: for each the kind (1 byte), the size (8, little-endian), the digest (32), the length of the
  /// name (2, little-endian) and the name.
  public static func encode(_ outputs: [ActionOutput]) -> [UInt8] {
    var bytes: [UInt8] = []
    for output in outputs {
      let name = Array(output.name.utf8.prefix(65535))
      bytes.append(output.kind.rawValue)
      for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: output.size >> shift)) }
      bytes += output.digest.bytes
      bytes.append(UInt8(truncatingIfNeeded: name.count))
      bytes.append(UInt8(truncatingIfNeeded: name.count >> 8))
      bytes += name
    }
    return bytes
  }

  /// Reads what `encode` wrote; nil for anything else.
  public static func decode(_ bytes: [UInt8]) -> [ActionOutput]? {
    var outputs: [ActionOutput] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      guard rest.count >= 43, let kind = ActionOutput.Kind(rawValue: rest[rest.startIndex]) else { return nil }
      let at = rest.startIndex
      var size: UInt64 = 0
      for index in 0..<8 { size |= UInt64(rest[at + 1 + index]) << (8 * UInt64(index)) }
      guard let digest = Digest(bytes: rest[(at + 9)..<(at + 41)]) else { return nil }
      let length = Int(rest[at + 41]) | Int(rest[at + 42]) << 8
      guard rest.count >= 43 + length,
        let name = String(validating: rest[(at + 43)..<(at + 43 + length)], as: UTF8.self)
      else { return nil }
      outputs.append(ActionOutput(name: name, kind: kind, digest: digest, size: Int64(bitPattern: size)))
      rest = rest.dropFirst(43 + length)
    }
    return outputs
  }
}
