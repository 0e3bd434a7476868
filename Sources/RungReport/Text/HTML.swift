/// HTML that is put together piece by piece and cannot come out wrong: names of elements and attributes are words of this
/// source, and every text and value is escaped on its way in. There is no way to add markup that was not made here.
public struct HTML: Sendable {
  /// The markup so far, UTF-8.
  public private(set) var bytes: [UInt8] = []

  /// Nothing yet.
  public init() {}

  /// The markup so far.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Adds text.
  mutating func text(_ words: String) { escape(words) }

  /// Adds what was put together elsewhere.
  mutating func add(_ other: HTML) { bytes += other.bytes }

  /// A line break in the source, for people who read it; in an element that keeps its spaces, one on the page.
  mutating func line() { bytes.append(10) }

  /// Adds an element with what `content` puts into it.
  mutating func element(_ name: StaticString, _ attributes: Attribute..., content: (inout HTML) -> Void) {
    open(name, attributes)
    content(&self)
    close(name)
  }

  /// Adds an element that holds a text.
  mutating func element(_ name: StaticString, _ attributes: Attribute..., text words: String) {
    open(name, attributes)
    escape(words)
    close(name)
  }

  /// Adds an element without content, such as `img`.
  mutating func void(_ name: StaticString, _ attributes: Attribute...) { open(name, attributes) }

  /// Adds an element with a list of attributes.
  mutating func element(_ name: StaticString, all attributes: [Attribute], content: (inout HTML) -> Void) {
    open(name, attributes)
    content(&self)
    close(name)
  }

  /// Adds the beginning of every document.
  mutating func doctype() { bytes += "<!DOCTYPE html>\n".utf8 }

  /// Adds a sheet or a script that is part of this program, as it is: its digest is in the policy of the page.
  mutating func embedded(_ name: StaticString, _ resource: Embedded) {
    open(name, [])
    bytes += resource.bytes
    close(name)
  }

  /// Adds data for the script of the page. What could end the element, or is a line break to a script only, is written as
  /// an escape of JSON.
  mutating func data(id: String, _ json: [UInt8]) {
    open("script", [.type("application/json"), .id(id)])
    bytes += DataBlock.escaped(json)
    close("script")
  }

  private mutating func open(_ name: StaticString, _ attributes: [Attribute]) {
    bytes.append(UInt8(ascii: "<"))
    add(name)
    for attribute in attributes {
      bytes.append(UInt8(ascii: " "))
      add(attribute.name)
      guard let value = attribute.value else { continue }
      bytes.append(UInt8(ascii: "="))
      bytes.append(UInt8(ascii: "\""))
      escape(value)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(UInt8(ascii: ">"))
  }

  private mutating func close(_ name: StaticString) {
    bytes.append(UInt8(ascii: "<"))
    bytes.append(UInt8(ascii: "/"))
    add(name)
    bytes.append(UInt8(ascii: ">"))
  }

  private mutating func add(_ word: StaticString) { word.withUTF8Buffer { bytes += $0 } }

  // Text for content and for values in quotes. Control characters never get here as such: see `PlainText`.
  private mutating func escape(_ words: String) {
    var words = PlainText.visible(words)
    words.withUTF8 { text in
      var from = 0
      for at in text.indices {
        let replacement: StaticString
        switch text[at] {
        case UInt8(ascii: "&"): replacement = "&amp;"
        case UInt8(ascii: "<"): replacement = "&lt;"
        case UInt8(ascii: ">"): replacement = "&gt;"
        case UInt8(ascii: "\""): replacement = "&quot;"
        case UInt8(ascii: "'"): replacement = "&#39;"
        default: continue
        }
        bytes += text[from..<at]
        add(replacement)
        from = at + 1
      }
      bytes += text[from...]
    }
  }
}
