/// An attribute of an element. Only these can be made: none runs a script, and an address is a `Link`.
struct Attribute: Sendable {
  let name: StaticString
  // Nil for an attribute that is there or not.
  let value: String?

  private init(_ name: StaticString, _ value: String?) {
    self.name = name
    self.value = value
  }

  static func `class`(_ names: String) -> Attribute { Attribute("class", names) }
  /// A name in the page; see `Slug`.
  static func id(_ name: String) -> Attribute { Attribute("id", name) }
  static func href(_ link: Link) -> Attribute { Attribute("href", link.text) }
  static func src(_ link: Link) -> Attribute { Attribute("src", link.text) }
  static func alt(_ words: String) -> Attribute { Attribute("alt", words) }
  static func title(_ words: String) -> Attribute { Attribute("title", words) }
  static func label(_ words: String) -> Attribute { Attribute("aria-label", words) }
  static func labelled(by id: String) -> Attribute { Attribute("aria-labelledby", id) }
  static func role(_ name: StaticString) -> Attribute { Attribute("role", "\(name)") }
  static func scope(_ name: StaticString) -> Attribute { Attribute("scope", "\(name)") }
  static func type(_ name: StaticString) -> Attribute { Attribute("type", "\(name)") }
  /// Something for the script: `data-NAME`.
  static func data(_ name: StaticString, _ value: String) -> Attribute { Attribute(name, value) }
  static func tab(_ index: Int) -> Attribute { Attribute("tabindex", "\(index)") }
  static func value(_ words: String) -> Attribute { Attribute("value", words) }
  static func named(_ words: String) -> Attribute { Attribute("name", words) }
  static func content(_ words: String) -> Attribute { Attribute("content", words) }
  static func columns(_ count: Int) -> Attribute { Attribute("colspan", "\(count)") }
  static func policy(_ words: String) -> Attribute { Attribute("content", words) }
  static func forControl(_ id: String) -> Attribute { Attribute("for", id) }
  static func time(_ text: String) -> Attribute { Attribute("datetime", text) }
  static let open = Attribute("open", nil)
  static let hidden = Attribute("hidden", nil)
  static let lazy = Attribute("loading", "lazy")
  static let live = Attribute("aria-live", "polite")
  static let isHiddenFromReaders = Attribute("aria-hidden", "true")
  static let policyName = Attribute("http-equiv", "Content-Security-Policy")
  static let utf8 = Attribute("charset", "utf-8")
  static let english = Attribute("lang", "en")

  // MARK: drawings

  /// A number of a drawing, in its units.
  static func number(_ name: StaticString, _ value: Double) -> Attribute {
    Attribute(name, Fixed.text(value, digits: 1))
  }
  /// The way of a path, or points, made of `Fixed` numbers.
  static func geometry(_ name: StaticString, _ text: String) -> Attribute { Attribute(name, text) }
  static func viewBox(_ width: Double, _ height: Double) -> Attribute {
    Attribute("viewBox", "0 0 \(Fixed.text(width, digits: 1)) \(Fixed.text(height, digits: 1))")
  }
  static func anchor(_ name: StaticString) -> Attribute { Attribute("text-anchor", "\(name)") }
}
