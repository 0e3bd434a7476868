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
    }
    var before: [Name: KeyField] = [:]
    for field in old { before[Name(kind: field.kind, name: field.name)] = field }
    var reasons: [Reason] = []
    for field in new {
      let was = before.removeValue(forKey: Name(kind: field.kind, name: field.name))
      guard was != field else { continue }
      reasons.append(
        Reason(
          field: field.kind.rawValue, name: field.name, old: was?.value, new: field.value, oldDigest: was?.digest,
          newDigest: field.digest))
    }
    for field in old where before[Name(kind: field.kind, name: field.name)] != nil {
      reasons.append(
        Reason(field: field.kind.rawValue, name: field.name, old: field.value, oldDigest: field.digest))
    }
    return reasons
  }
}
