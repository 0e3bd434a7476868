/// A place in a JSON value (RFC 6901): `/curve/3/loss`.
public struct JSONPointer: Hashable, Sendable {
  /// The names and indices on the way, unescaped; none for the whole value.
  public var tokens: [String]

  /// A place.
  public init(tokens: [String]) { self.tokens = tokens }

  /// Reads the text of a pointer; nil when it is not empty and does not begin with a slash.
  public init?(_ text: some StringProtocol) {
    guard text.isEmpty || text.hasPrefix("/") else { return nil }
    tokens = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
      String($0).replacing("~1", with: "/").replacing("~0", with: "~")
    }
  }

  /// The text.
  public var text: String { tokens.map { "/" + Self.escaped($0) }.joined() }

  /// A name or index as it stands in the text.
  public static func escaped(_ token: String) -> String {
    token.replacing("~", with: "~0").replacing("/", with: "~1")
  }
}

extension JSON {
  /// The member of an object or the item of a list that a token of a pointer means; nil for none.
  public func member(_ token: String) -> JSON? {
    if case .array(let items) = self { return Int(token).flatMap { items.indices.contains($0) ? items[$0] : nil } }
    return self[token]
  }

  /// The value at a place; nil when there is nothing.
  public subscript(_ pointer: JSONPointer) -> JSON? {
    var value = self
    for token in pointer.tokens {
      guard let next = value.member(token) else { return nil }
      value = next
    }
    return value
  }
}
