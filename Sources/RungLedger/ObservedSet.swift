import RungCore

/// The files that an execution was observed to look at, as they were then: an object of the store, shared by all
/// executions that looked at the same.
///
/// The same set always has the same bytes: entries are sorted by path and kind, and each is there once.
public struct ObservedSet: Hashable, Sendable {
  /// Where the files lie.
  public enum Scope: String, Sendable {
    /// In the project; paths are relative to its root.
    case project
    /// Elsewhere on the machine; paths are absolute.
    case system
  }

  /// What was found at a path, and what the digest tells of it.
  public enum Kind: String, Sendable, CaseIterable {
    /// A regular file; the digest of its content.
    case file
    /// A regular file with its executable bit set; the digest of its content.
    case executable
    /// A directory that was looked at, not listed; no digest.
    case folder
    /// A directory that was listed; the `listingDigest` of the names in it.
    case listing
    /// A directory in which modules were looked for; the `listingDigest` of those names that Python can import.
    case modules
    /// Nothing was there; no digest.
    case absent
    /// A symbolic link; the digest of its target's text.
    case link
    /// A socket, a device or a pipe; no digest.
    case other
  }

  /// One thing that was looked at.
  public struct Entry: Hashable, Sendable {
    /// Relative to the project or absolute, as the scope says.
    public var path: String
    /// What was there.
    public var kind: Kind
    /// What it held, where the kind has a digest.
    public var digest: Digest?

    /// An entry.
    public init(path: String, kind: Kind, digest: Digest?) {
      self.path = path
      self.kind = kind
      self.digest = digest
    }
  }

  /// Where the files lie.
  public let scope: Scope
  /// Sorted by the bytes of the path, then by kind; no two are the same.
  public let entries: [Entry]

  /// A set of entries in any order; doubles are dropped.
  public init(scope: Scope, entries: [Entry]) {
    self.scope = scope
    var sorted: [Entry] = []
    sorted.reserveCapacity(entries.count)
    for entry in entries.sorted(by: { Self.order($0, $1) < 0 }) {
      if let last = sorted.last, Self.order(last, entry) == 0 { continue }
      sorted.append(entry)
    }
    self.entries = sorted
  }

  // Negative when the first comes before the second, 0 for doubles. By bytes: to Swift the two forms of é are equal, to
  // the kernel they are two names.
  private static func order(_ a: Entry, _ b: Entry) -> Int {
    func compare(_ a: String, _ b: String) -> Int {
      if a.utf8.elementsEqual(b.utf8) { return 0 }
      return a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
    }
    let path = compare(a.path, b.path)
    if path != 0 { return path }
    let kind = compare(a.kind.rawValue, b.kind.rawValue)
    if kind != 0 || a.digest == b.digest { return kind }
    guard let first = a.digest else { return -1 }
    guard let second = b.digest else { return 1 }
    return first < second ? -1 : 1
  }

  /// The bytes of the object that keeps it: one line of JSON, the entries as rows of path, kind and digest.
  public var bytes: [UInt8] {
    let rows = entries.map { entry -> JSON in
      [.string(entry.path), .string(entry.kind.rawValue), entry.digest.map { .digest($0) } ?? .null]
    }
    let json: JSON = [
      "format": "rung/observed/1", "scope": .string(scope.rawValue), "entries": .array(rows),
    ]
    return json.compactBytes + [10]
  }

  /// Reads the bytes of the object. Nil when they are not a set of a format that this version knows.
  public init?(bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), json["format"]?.string == "rung/observed/1",
      let scope = json["scope"]?.string.flatMap(Scope.init(rawValue:)), let rows = json["entries"]?.array
    else { return nil }
    var entries: [Entry] = []
    entries.reserveCapacity(rows.count)
    for row in rows {
      guard let cells = row.array, cells.count == 3, let path = cells[0].string,
        let kind = cells[1].string.flatMap(Kind.init(rawValue:)), cells[2] == .null || cells[2].digest != nil
      else { return nil }
      entries.append(Entry(path: path, kind: kind, digest: cells[2].digest))
    }
    self.init(scope: scope, entries: entries)
  }

  /// The digest of the names in a directory, in any order: the framed hash, domain `rung/listing/1`, of their number and
  /// the names, sorted by their bytes.
  public static func listingDigest(names: [[UInt8]]) -> Digest {
    var hash = FramedHash(domain: "rung/listing/1")
    hash.field("names", names.count)
    for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) { hash.field("name", bytes: name) }
    return hash.digest()
  }
}
