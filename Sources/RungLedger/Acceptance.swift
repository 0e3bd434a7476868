import RungCore

/// That somebody says: this change does not matter, the old result stands. A record object of the store, kept for ever,
/// also after it was revoked (docs/formats/record.md).
public struct Acceptance: Hashable, Sendable {
  /// The name of the format.
  public static let format = "rung/acceptance/1"

  /// One thing that is not as it was when the result was made.
  public struct Change: Hashable, Sendable {
    /// The kind of field of the key (`command`, `input`, …), or `observed` for a file that is not declared.
    public var kind: String
    /// Which of that kind; for `observed` the path.
    public var name: String
    /// What it was, for people.
    public var old: String?
    /// What it is now.
    public var new: String?
    /// The content before, where the value is a name for it.
    public var oldDigest: Digest?
    /// The content now.
    public var newDigest: Digest?
    /// Of `observed`: what is at the path now, in the words of observed sets.
    public var newKind: String?

    /// A change.
    public init(
      kind: String, name: String, old: String?, new: String?, oldDigest: Digest? = nil, newDigest: Digest? = nil,
      newKind: String? = nil
    ) {
      self.kind = kind
      self.name = name
      self.old = old
      self.new = new
      self.oldDigest = oldDigest
      self.newDigest = newDigest
      self.newKind = newKind
    }
  }

  /// The instance.
  public var instance: String
  /// The action key that it has now.
  public var key: Digest
  /// The record of the result that stands.
  public var record: Digest
  /// What differs: nothing else may.
  public var changes: [Change]
  /// Why it does not matter, in the words of whoever says so.
  public var because: String
  /// Who says so: the user's name, and the host's.
  public var who: String
  /// Nanoseconds since 1970.
  public var at: Int64
  /// Verifications that support it, by their records.
  public var support: [Digest]
  /// The version of Rung.
  public var version: String

  /// An acceptance from all its parts; see the properties.
  public init(
    instance: String, key: Digest, record: Digest, changes: [Change], because: String, who: String, at: Int64,
    support: [Digest], version: String
  ) {
    self.instance = instance
    self.key = key
    self.record = record
    self.changes = changes
    self.because = because
    self.who = who
    self.at = at
    self.support = support
    self.version = version
  }

  /// The acceptance as JSON; the same one always gives the same text.
  public var json: JSON {
    func digest(_ value: Digest?) -> JSON { value.map { .digest($0) } ?? .null }
    let changes = changes.map { change -> JSON in
      [
        "kind": .string(change.kind), "name": .string(change.name), "old": .optional(change.old),
        "new": .optional(change.new), "old_digest": digest(change.oldDigest), "new_digest": digest(change.newDigest),
        "new_kind": .optional(change.newKind),
      ]
    }
    return [
      "format": .string(Self.format), "instance": .string(instance), "key": .digest(key), "record": .digest(record),
      "changes": .array(changes), "because": .string(because), "who": .string(who), "at_ns": .int(at),
      "support": .array(support.map { .digest($0) }), "version": .string(version),
    ]
  }

  /// Reads an acceptance. Nil when the JSON is none of this format.
  public init?(json: JSON) {
    guard json["format"]?.string == Self.format, let instance = json["instance"]?.string,
      let key = json["key"]?.digest, let record = json["record"]?.digest, let list = json["changes"]?.array,
      let because = json["because"]?.string
    else { return nil }
    let changes = list.compactMap { change -> Change? in
      guard let kind = change["kind"]?.string, let name = change["name"]?.string else { return nil }
      return Change(
        kind: kind, name: name, old: change["old"]?.string, new: change["new"]?.string,
        oldDigest: change["old_digest"]?.digest, newDigest: change["new_digest"]?.digest,
        newKind: change["new_kind"]?.string)
    }
    guard changes.count == list.count else { return nil }
    self.init(
      instance: instance, key: key, record: record, changes: changes, because: because,
      who: json["who"]?.string ?? "", at: Int64(json["at_ns"]?.int ?? 0),
      support: json["support"]?.array?.compactMap(\.digest) ?? [], version: json["version"]?.string ?? "")
  }

  /// Reads an acceptance from the bytes of its object. Nil as `init(json:)`.
  public init?(bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes) else { return nil }
    self.init(json: json)
  }

  /// The bytes of the object.
  public var bytes: [UInt8] { json.compactBytes + [10] }
}
