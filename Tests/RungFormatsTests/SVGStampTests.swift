import RungCore
import RungFormats
import Testing

@Suite struct SVGStampTests {
  private static let namespace = "xmlns:rung=\"urn:rung:stamp:1\""
  private static let json = StampSamples.stamp([1]).json

  private static func isStamped(_ text: String) -> Bool { Stamping.read(Array(text.utf8)) != nil }

  @Test func theStampIsTheFirstChildOfTheRoot() throws {
    let bytes = Array("<svg a='>'><g/></svg>\n".utf8)
    let stamp = StampSamples.stamp(bytes, instance: "p/ü<&>")
    let stamped = String(decoding: try #require(Stamping.stamped(bytes, with: stamp)), as: UTF8.self)
    #expect(stamped.hasPrefix("<svg a='>'><metadata><rung:stamp xmlns:rung=\"urn:rung:stamp:1\" sum=\""))
    #expect(stamped.contains(#""instance":"p/\u00fc\u003c\u0026\u003e""#))
    #expect(stamped.hasSuffix("</rung:stamp></metadata><g/></svg>\n"))
  }

  @Test(arguments: [
    "\u{FEFF}<svg><g/></svg>", "\r\n<svg>\r\n</svg>",
    "<svg:svg xmlns:svg='http://www.w3.org/2000/svg'><svg:g/></svg:svg>",
    "<?xml version='1.0' encoding='ISO-8859-1' standalone='no'?><svg></svg>",
    "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"svg11.dtd\"><svg></svg ><!-- > -->",
    "<!DOCTYPE svg [<!ENTITY x '<svg>'><!-- ' ]> --><?p ]> ?>]><svg x=\"&x;\">&x;</svg>",
    "<svg><metadata><rdf:RDF xmlns:rdf='r'/></metadata></svg>", "<svg><svg><metadata/></svg></svg>",
    "<svg><![CDATA[<metadata>]]></svg>", "<svg>ünïcode \u{1F600}</svg>",
  ]) func eachWayToWriteADocumentIsKept(_ text: String) throws {
    let bytes = Array(text.utf8)
    let stamp = StampSamples.stamp(bytes)
    let stamped = try #require(Stamping.stamped(bytes, with: stamp))
    #expect(Stamping.read(stamped)?.stamp == stamp)
    #expect(Stamping.read(stamped)?.original == bytes)
  }

  @Test(arguments: [
    "<svg>", "<svg></g>", "<svg></svg><svg></svg>", "<svg></svg>text", "text<svg></svg>", "<svg><g></svg></g>",
    "<svg a=\"></svg>", "<svg><!-- --</svg>", "<svg><![CDATA[</svg>", "<svg a<b></svg>", "<svg", "<", "<svg></svg",
    "<svg/>",
    "<?xml version='1.0' encoding='UTF-16'?><svg></svg>", "<html><svg></svg></html>", "<!DOCTYPE svg [<svg></svg>",
    "<svg><></svg>", "<svg></svg><![CDATA[x]]>",
  ]) func whatIsNoWholeDocumentIsNotStamped(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)) == nil)
  }

  @Test func aStampThatWasMovedByAnotherProgramIsRead() {
    let json = Self.json
    let quoted = json.replacing("\"", with: "&quot;")
    let byNumber = json.replacing("{", with: "&#123;").replacing("}", with: "&#x7D;")
    for text in [
      "<svg><g/><metadata><a:stamp xmlns:a='urn:rung:stamp:1'>\n \(json)\n</a:stamp></metadata></svg>",
      "<svg xmlns:ns1=\"urn:rung:stamp:1\"><metadata id='m'><x/><y><ns1:stamp>\(quoted)</ns1:stamp></y></metadata></svg>",
      "<s:svg><s:metadata><stamp xmlns='urn:rung:stamp:1'><![CDATA[\(json)]]></stamp></s:metadata></s:svg>",
      "<svg \(Self.namespace)><metadata><rung:stamp>\(byNumber)</rung:stamp></metadata></svg>",
      // Cut short by a download.
      "<svg \(Self.namespace)><metadata><rung:stamp>\(json)</rung:stamp></metadata><g>",
    ] {
      #expect(Self.isStamped(text), "\(text)")
      #expect(Stamping.isEdited(Array(text.utf8)))
    }
  }

  @Test func aQuotedStampIsNone() {
    let element = "<rung:stamp \(Self.namespace)>\(Self.json)</rung:stamp>"
    let whole = "<metadata>\(element)</metadata>"
    for text in [
      "<svg><!--\(whole)--></svg>", "<svg><![CDATA[\(whole)]]></svg>", "<svg><?x \(whole)?></svg>",
      "<svg><text>\(Self.json)</text></svg>", "<svg a='\(whole.replacing("'", with: ""))'></svg>",
      "<svg><g>\(whole)</g></svg>", "<svg>\(element)</svg>", "<!DOCTYPE svg [\(whole)]><svg></svg>",
      "<svg><metadata></metadata>\(element)</svg>", "<html><svg>\(whole)</svg></html>",
      "<svg><metadata><rung:stamp>\(Self.json)</rung:stamp></metadata></svg>",
      "<svg><metadata><rung:stamp xmlns:rung='urn:rung:stamp:2'>\(Self.json)</rung:stamp></metadata></svg>",
      "<svg \(Self.namespace)><metadata xmlns:rung='other'><rung:stamp>\(Self.json)</rung:stamp></metadata></svg>",
      "<svg><metadata><g \(Self.namespace)/><rung:stamp>\(Self.json)</rung:stamp></metadata></svg>",
      "<svg><metadata><stamp \(Self.namespace)>\(Self.json)</stamp></metadata></svg>",
      "<svg><metadata>\(element.replacing("rung/stamp/1", with: "rung/stamp/9"))</metadata></svg>",
    ] {
      #expect(!Self.isStamped(text), "\(text)")
    }
  }

  /// Documents that were made to take long. A reader that looks back takes hours for them.
  @Test(
    .timeLimit(.minutes(3)),
    arguments: [
      ("<svg>", "<a>"), ("<svg>", "<a/>"), ("<svg ", "a='' "), ("<svg>", "<!-- "), ("<svg>", "<![CDATA["),
      ("<svg>", "<?"),
      ("<!DOCTYPE svg [", "<!ENTITY a '"), ("<!DOCTYPE svg [", "[<"), ("<svg a='", "\"'"), ("", "<"), ("<svg>", "&a;"),
      ("<svg>", "<a xmlns:b='urn:rung:stamp:1'>"), ("<svg>", "<a xmlns:b='urn:rung:stamp:1'/>"),
      ("<svg><metadata><r:stamp xmlns:r='urn:rung:stamp:1'>", "&lt;"), ("<svg xmlns:r='urn:rung:stamp:1'>", "]]>-->"),
      ("<svg xmlns:r='urn:rung:stamp:1'><metadata>", "<r:stamp></r:stamp>"), ("<svg", "=\"\""), ("<svg>", "</"),
    ]) func hostileDocumentsTakeNoLongerThanTheirSize(_ start: String, _ part: String)
  {
    let bytes = StampSamples.hostile(start, part)
    #expect(Stamping.read(bytes) == nil)
    #expect(Stamping.stamped(bytes, with: StampSamples.stamp([])) == nil)
  }

  @Test(.timeLimit(.minutes(3))) func aLargeHostileDocumentIsRefused() {
    #expect(Stamping.read(StampSamples.hostile("<svg>", "<a b='>'>&x;<!-- -->", size: 20 << 20)) == nil)
  }
}
