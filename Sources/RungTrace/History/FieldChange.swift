import RungCore
import RungLedger
import RungStore

/// A way in which what went into an execution differs from what went into the one before it.
public struct FieldChange: Hashable, Sendable {
  /// The kind of thing: of a field of the key (docs/formats/record.md), or `observed` (a file that it was seen to use
  /// without declaring it), `watch`, `rerun` (nothing differs), `record` (there was nothing before).
  public let field: String
  /// Which of that kind.
  public let name: String
  /// The value before; the digest where the contents differ and not the names; nil where there was none.
  public let old: String?
  /// The value after.
  public let new: String?
  /// Of an input that is the outputs of many instances: how many came, went and changed.
  public let members: MemberCounts?

  /// How two sets differ, in numbers.
  public struct MemberCounts: Hashable, Sendable {
    /// Only in the new one.
    public let added: Int
    /// Only in the old one.
    public let removed: Int
    /// In both, with other contents.
    public let changed: Int
  }

  init(_ field: String, _ name: String, _ old: String?, _ new: String?, members: MemberCounts? = nil) {
    self.field = field
    self.name = name
    self.old = old
    self.new = new
    self.members = members
  }
}

/// Finds out what differs between executions. Remembers the collections and observed sets that it read, which neighbours
/// in a history share.
struct FieldComparison {
  private let store: ObjectStore
  private var collections: [Digest: [String: Digest]] = [:]
  private var sets: [Digest: ObservedSet] = [:]

  private static let largest: Int64 = 1 << 30

  init(store: ObjectStore) { self.store = store }

  /// What differs, in the order of the new key; at least one change.
  mutating func changes(from old: Record?, to new: Record) -> [FieldChange] {
    guard let old else { return [FieldChange("record", new.instance, nil, nil)] }
    var changes = old.key == new.key ? [] : fields(old, new)
    if old.observed.project != new.observed.project {
      changes += observed(old.observed.project, new.observed.project)
    }
    if old.observed.system != new.observed.system { changes += observed(old.observed.system, new.observed.system) }
    if changes.isEmpty, old.watch != new.watch { changes.append(FieldChange("watch", "", old.watch, new.watch)) }
    return changes.isEmpty ? [FieldChange("rerun", new.instance, nil, nil)] : changes
  }

  private struct Name: Hashable {
    let kind: String
    let name: String
    // 0 for the first of this kind and name: no field can hide another.
    let number: Int
  }

  private static func named(_ fields: [Record.Field]) -> [(Name, Record.Field)] {
    var counts: [Name: Int] = [:]
    return fields.map { field in
      let first = Name(kind: field.kind, name: field.name, number: 0)
      defer { counts[first, default: 0] += 1 }
      return (Name(kind: field.kind, name: field.name, number: counts[first, default: 0]), field)
    }
  }

  private mutating func fields(_ old: Record, _ new: Record) -> [FieldChange] {
    let before = Self.named(old.fields)
    var rest = Dictionary(uniqueKeysWithValues: before)
    var changes: [FieldChange] = []
    for (name, field) in Self.named(new.fields) {
      let was = rest.removeValue(forKey: name)
      guard was != field else { continue }
      // Where only the content differs, it is what there is to tell.
      let isContent = was?.value == field.value && was?.digest != nil && field.digest != nil
      changes.append(
        FieldChange(
          field.kind, field.name, isContent ? was?.digest?.description : was?.value,
          isContent ? field.digest?.description : field.value,
          members: field.kind == "input" ? members(field.name, old, new) : nil))
    }
    for (name, field) in before where rest[name] != nil {
      changes.append(FieldChange(field.kind, field.name, field.value, nil))
    }
    return changes
  }

  private mutating func members(_ input: String, _ old: Record, _ new: Record) -> FieldChange.MemberCounts? {
    guard let before = collection(input, old), let after = collection(input, new) else { return nil }
    var added = 0
    var changed = 0
    for (instance, digest) in after {
      guard let was = before[instance] else {
        added += 1
        continue
      }
      if was != digest { changed += 1 }
    }
    return FieldChange.MemberCounts(
      added: added, removed: before.count - (after.count - added), changed: changed)
  }

  private mutating func collection(_ input: String, _ record: Record) -> [String: Digest]? {
    guard let found = record.inputs.first(where: { $0.name == input }), case .collection(let object, _) = found.source
    else { return nil }
    if let known = collections[object] { return known }
    guard let bytes = try? store.read(object, limit: Self.largest),
      let collection = RungLedger.Collection(bytes: bytes)
    else { return nil }
    let members = Dictionary(collection.members.map { ($0.instance, $0.digest) }, uniquingKeysWith: { $1 })
    collections[object] = members
    return members
  }

  private mutating func observed(_ old: Digest?, _ new: Digest?) -> [FieldChange] {
    guard let old, let new, let before = set(old), let after = set(new) else { return [] }
    func byPath(_ set: ObservedSet) -> [String: [ObservedSet.Entry]] { Dictionary(grouping: set.entries, by: \.path) }
    func text(_ entries: [ObservedSet.Entry]?) -> String? {
      entries.map { entries in
        entries.map { $0.digest?.description ?? $0.kind.rawValue }.joined(separator: ", ")
      }
    }
    let (was, now) = (byPath(before), byPath(after))
    return Set(was.keys).union(now.keys).sorted().compactMap { path in
      was[path] == now[path] ? nil : FieldChange("observed", path, text(was[path]), text(now[path]))
    }
  }

  private mutating func set(_ digest: Digest) -> ObservedSet? {
    if let known = sets[digest] { return known }
    guard let bytes = try? store.read(digest, limit: Self.largest), let set = ObservedSet(bytes: bytes) else {
      return nil
    }
    sets[digest] = set
    return set
  }
}
