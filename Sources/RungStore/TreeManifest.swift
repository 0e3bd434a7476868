import RungCore

/// What a folder holds: an object of its own, whose digest is the digest of the folder.
///
/// Only what a result can depend on is in it: names, contents, the executable bit, link targets. No times, no owners,
/// no other permission bits. Two folders with the same content have the same bytes here, on every machine.
public struct TreeManifest: Hashable, Sendable {
  /// One name in a folder.
  public struct Entry: Hashable, Sendable {
    /// The name as the file system has it: never empty, `.` or `..`, no `/`, no NUL, not always UTF-8.
    public let nameBytes: [UInt8]
    /// What it stands for.
    public let kind: EntryKind

    /// An entry whose name is a text.
    public init(name: String, kind: EntryKind) { self.init(nameBytes: Array(name.utf8), kind: kind) }

    /// An entry.
    public init(nameBytes: [UInt8], kind: EntryKind) {
      self.nameBytes = nameBytes
      self.kind = kind
    }

    /// The name as text; bytes that are not UTF-8 are replaced.
    public var name: String { String(decoding: nameBytes, as: UTF8.self) }
  }

  /// What an entry stands for.
  public enum EntryKind: Hashable, Sendable {
    /// A regular file; `size` in bytes.
    case file(digest: Digest, size: Int64, executable: Bool)
    /// A folder: the digest of its manifest and the sum of the sizes of all files below it, in bytes.
    case directory(digest: Digest, size: Int64)
    /// A symbolic link that stays inside the tree; its target as the file system has it.
    case link(target: [UInt8])
  }

  /// The entries, sorted by the bytes of their names.
  public let entries: [Entry]

  /// The sum of the sizes of all files below, in bytes.
  public let size: Int64

  /// Sorts the entries. Throws `badPath` when a name cannot be in a folder or is there twice, when a size is negative,
  /// or when a link's target is empty or has a NUL.
  public init(entries: [Entry]) throws(StoreError) {
    let sorted = entries.sorted { $0.nameBytes.lexicographicallyPrecedes($1.nameBytes) }
    if let problem = Self.problem(in: sorted) { throw StoreError(.badPath, "no folder can hold this: \(problem)") }
    self.entries = sorted
    size = Self.sum(sorted) ?? 0
  }

  init(verified entries: [Entry]) {
    self.entries = entries
    size = Self.sum(entries) ?? 0
  }

  /// The entry of that name, or nil.
  public subscript(_ name: String) -> Entry? {
    let bytes = Array(name.utf8)
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].nameBytes.lexicographicallyPrecedes(bytes) { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].nameBytes == bytes ? entries[low] : nil
  }

  // What is wrong with sorted entries, or nil.
  static func problem(in sorted: [Entry]) -> String? {
    for (index, entry) in sorted.enumerated() {
      let name = entry.nameBytes
      if name.isEmpty || name == [46] || name == [46, 46] || name.contains(47) || name.contains(0) {
        return "the name '\(entry.name)'"
      }
      if index > 0, !sorted[index - 1].nameBytes.lexicographicallyPrecedes(name) {
        return "the name '\(entry.name)' twice or out of order"
      }
      switch entry.kind {
      case .file(_, let size, _), .directory(_, let size):
        if size < 0 { return "the size \(size) of '\(entry.name)'" }
      case .link(let target):
        if target.isEmpty || target.contains(0) { return "the target of the link '\(entry.name)'" }
      }
    }
    return sum(sorted) == nil ? "more than 2^63 bytes" : nil
  }

  private static func sum(_ entries: [Entry]) -> Int64? {
    var total: Int64 = 0
    for entry in entries {
      switch entry.kind {
      case .file(_, let size, _), .directory(_, let size):
        let (next, overflow) = total.addingReportingOverflow(size)
        if overflow { return nil }
        total = next
      case .link: break
      }
    }
    return total
  }

  /// True when a link in a folder `depth` levels below the tree's root (0: in the root itself) cannot lead out of the
  /// tree, whatever the other links in it are.
  ///
  /// Such a target is relative and has its `..` only at the start, at most `depth` of them: these climb real folders.
  /// A `..` after a name could climb out of a place where another link had led, so it is refused though it may be
  /// harmless.
  public static func staysInside(target: some Sequence<UInt8>, depth: Int) -> Bool {
    let target = Array(target)
    if target.isEmpty || target.first == 47 || target.contains(0) { return false }
    var climbed = 0
    var named = false
    for part in target.split(separator: 47) where part != [46] {
      if part == [46, 46] {
        climbed += 1
        if named || climbed > depth { return false }
      } else {
        named = true
      }
    }
    return true
  }
}
