import RungCore
import Testing

@Suite struct JSONTests {
  @Test(arguments: [
    "null", "true", "[]", "{}", "[1,-0.10,1e-4,1E+20]", #"{"b":1,"a":[{"x":null}]}"#, #""é😀\n\"\\""#,
    #""\u001f\u007f""#,
  ])
  func compactTextComesBackAsItWas(text: String) throws {
    let value = try JSON(parsing: text)
    #expect(value.compact == text)
    #expect(try JSON(parsing: value.pretty) == value)
  }

  @Test func escapesAreRead() throws {
    #expect(try JSON(parsing: #""\u00e9\ud83d\ude00\/\b\f\t""#) == .string("é😀/\u{8}\u{c}\t"))
    #expect(try JSON(parsing: " \n[ 1 , 2 ] ") == [1, 2])
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "[1 2]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "01", "1.", ".5", "+1", "1e", "tru", "nul",
    "'a'",
    "\"a", "\"\n\"", #""\x""#, "[1] 2", #"{"a":1,"a":2}"#, "-", "\u{FEFF}1", "[",
  ])
  func whatIsNoJSONIsRefused(text: String) {
    #expect(throws: JSON.ParseError.self) { try JSON(parsing: text) }
  }

  @Test func brokenBytesAndDeepNestingAreRefused() {
    #expect(throws: JSON.ParseError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    #expect(throws: JSON.ParseError.self) { try JSON(parsing: String(repeating: "[", count: 100_000)) }
  }

  @Test func membersAreFoundByName() throws {
    let value = try JSON(parsing: #"{"a":{"b":[1,2.5,"x",true]},"c":null}"#)
    let list = value["a"]?["b"]?.array
    #expect(list?.first?.int == 1)
    #expect(list?[1].double == 2.5)
    #expect(list?[1].int == nil)
    #expect(list?[2].string == "x")
    #expect(list?[3].bool == true)
    #expect(value["d"] == nil)
    #expect(value["c"] == .null)
    #expect(JSON.double(.infinity) == .null)
  }
}
