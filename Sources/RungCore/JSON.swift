/// A JSON value (RFC 8259) that keeps what a reader may care about: the order of an object's members and the exact text
/// of a number, so that `0.10` in a pipeline file reaches the command as `0.10`.
///
/// Two numbers are equal when their texts are.
public enum JSON: Hashable, Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number, as it was written.
  case number(String)
  /// A string, unescaped.
  case string(String)
  /// A list.
  case array([JSON])
  /// Members in the order in which they were written. A key may be there once only; the parser refuses doubles.
  case object([Member])

  /// A name and its value in an object.
  public struct Member: Hashable, Sendable {
    /// The name, unescaped.
    public let name: String
    /// The value.
    public let value: JSON

    /// A member of an object.
    public init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// A whole number.
  public static func int(_ value: some BinaryInteger) -> JSON { .number(String(value)) }

  /// A floating-point number in its shortest exact form. Infinities and NaN, which JSON lacks, become null.
  public static func double(_ value: Double) -> JSON { value.isFinite ? .number("\(value)") : .null }

  /// A digest, in its text form.
  public static func digest(_ value: Digest) -> JSON { .string(value.description) }

  /// A string, or null.
  public static func optional(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }

  /// The value of a member, or nil when this is no object or has no such member.
  public subscript(_ name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The text of a string; nil for anything else.
  public var string: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  /// A number that is a whole number in the range of Int; nil for anything else.
  public var int: Int? {
    if case .number(let text) = self { return Int(text) }
    return nil
  }

  /// The nearest double of a number; nil for anything else.
  public var double: Double? {
    if case .number(let text) = self { return Double(text) }
    return nil
  }

  /// The truth value; nil for anything else.
  public var bool: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }

  /// The items of a list; nil for anything else.
  public var array: [JSON]? {
    if case .array(let items) = self { return items }
    return nil
  }

  /// The members of an object; nil for anything else.
  public var members: [Member]? {
    if case .object(let members) = self { return members }
    return nil
  }

  /// A digest in its text form; nil for anything else.
  public var digest: Digest? { string.flatMap { Digest($0) } }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A whole number.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// A list.
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// An object, in the order written.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
  /// Null.
  public init(nilLiteral: ()) { self = .null }
}
