import RungCore

/// One reason why a step runs or ran.
public struct Reason: Hashable, Sendable {
  /// The kind of thing that differs: a `KeyField.Kind`, or `record` (nothing to compare with), `failure` (the last
  /// attempt failed), `force`, `object` (a result whose bytes are gone), `upstream` (an input is not known before
  /// another step has run), `deterministic` (declared as not repeatable).
  public let field: String
  /// Which of that kind: the parameter, the input, the step upstream.
  public let name: String
  /// What it was; nil when it was not there.
  public let old: String?
  /// What it is; nil when it is not there any more, or not known yet.
  public let new: String?
  /// The contents before and after, when they are objects.
  public let oldDigest: Digest?
  /// The contents before and after, when they are objects.
  public let newDigest: Digest?

  /// A reason.
  public init(
    field: String, name: String = "", old: String? = nil, new: String? = nil, oldDigest: Digest? = nil,
    newDigest: Digest? = nil
  ) {
    self.field = field
    self.name = name
    self.old = old
    self.new = new
    self.oldDigest = oldDigest
    self.newDigest = newDigest
  }

  /// What differs between two lists of key fields, in the order of the new one, then what is gone.
  ///
  /// Empty exactly when the keys are equal, up to the order of the fields.
  public static func differences(from old: [KeyField], to new: [KeyField]) -> [Reason] {
    struct Name: Hashable {
      let kind: KeyField.Kind
      let name: String
      // 0 for the first of this kind and name, 1 for the next: no field can hide another.
      let number: Int
    }
    func named(_ fields: [KeyField]) -> [(Name, KeyField)] {
      var counts: [Name: Int] = [:]
      return fields.map { field in
        let first = Name(kind: field.kind, name: field.name, number: 0)
        defer { counts[first, default: 0] += 1 }
        return (Name(kind: field.kind, name: field.name, number: counts[first, default: 0]), field)
      }
    }
    let old = named(old)
    var before = Dictionary(uniqueKeysWithValues: old)
    var reasons: [Reason] = []
    for (name, field) in named(new) {
      let was = before.removeValue(forKey: name)
      guard was != field else { continue }
      reasons.append(
        Reason(
          field: field.kind.rawValue, name: field.name, old: was?.value, new: field.value, oldDigest: was?.digest,
          newDigest: field.digest))
    }
    for (name, field) in old where before[name] != nil {
      reasons.append(
        Reason(field: field.kind.rawValue, name: field.name, old: field.value, oldDigest: field.digest))
    }
    return reasons
  }
}
