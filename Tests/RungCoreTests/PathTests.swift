import RungCore
import Testing

@Suite struct PathTests {
  @Test(arguments: [
    ("a/b", "a/b"), ("./a//b/", "a/b"), ("a/../b", "b"), ("", ""), (".", ""), ("a/..", ""), ("...", "..."),
    ("a/./b", "a/b"),
    (" a", " a"), ("ä/ö", "ä/ö"),
  ])
  func pathsAreNormalised(text: String, normal: String) {
    #expect(RelativePath(text)?.text == normal)
  }

  @Test(arguments: ["/a", "..", "a/../..", "../a", "a\0b", "/"])
  func pathsNeverLeave(text: String) {
    #expect(RelativePath(text) == nil)
  }

  @Test func pathsAreTakenApart() throws {
    let folder = try #require(RelativePath("a/b"))
    #expect(RelativePath("../c", in: folder)?.text == "a/c")
    #expect(RelativePath("../../..", in: folder) == nil)
    #expect(folder.appending("c.txt")?.name == "c.txt")
    #expect(folder.parent.text == "a")
    #expect(folder.parent.parent == .root)
    #expect(RelativePath.root.parent == .root)
    #expect(folder.isInside(.root) && folder.isInside(folder))
    #expect(RelativePath("a/bc")?.isInside(folder) == false)
    #expect(folder.absolute(in: "/p") == "/p/a/b")
    #expect(RelativePath.root.absolute(in: "/p") == "/p")
    #expect(["b", "a/z", "a", "B"].compactMap { RelativePath($0) }.sorted().map(\.text) == ["B", "a", "a/z", "b"])
  }

  @Test(arguments: [
    ("*.csv", "a.csv", true), ("*.csv", "d/a.csv", false), ("**/*.csv", "a.csv", true), ("**/*.csv", "d/e/a.csv", true),
    ("d/**", "d/e/f", true), ("d/**", "e/f", false), ("?.py", "a.py", true), ("?.py", "ab.py", false),
    ("[a-c].py", "b.py", true),
    ("[!a-c].py", "b.py", false), ("[]a].py", "].py", true), ("{a,b}/*.py", "b/x.py", true),
    ("{a,b}/*.py", "c/x.py", false),
    ("*.csv", ".csv", false), (".*", ".csv", true), ("**/x", ".git/x", false), ("**/.git/x", ".git/x", true),
    ("a*b*c", "aXbYc", true),
    ("a*b*c", "aXbY", false), ("**", "a/b", true), ("a/**/b", "a/b", true), ("a/**/b", "a/x/y/b", true),
    ("{a,{b,c}}", "c", true),
    ("a{b", "a{b", true), ("x{a}", "x{a}", true), ("[a", "[a", true), ("é?", "éx", true), ("*", "", false),
    ("", "", true),
  ])
  func globsMatch(pattern: String, path: String, expected: Bool) {
    #expect(Glob(pattern).matches(path) == expected)
  }

  @Test func theFixedPartOfAGlobIsWhereToLook() {
    #expect(Glob("data/raw/*.csv").fixedPrefix == "data/raw")
    #expect(Glob("data/*/x/*.csv").fixedPrefix == "data")
    #expect(Glob("*.csv").fixedPrefix == "")
    #expect(Glob("a/b").fixedPrefix == "a")
    #expect(Glob.isPattern("a*") && !Glob.isPattern("a.b"))
  }

  @Test func manyStarsAndAlternativesEnd() {
    #expect(!Glob(String(repeating: "a*", count: 60) + "b").matches(String(repeating: "a", count: 5000)))
    _ = Glob(String(repeating: "{a,b}", count: 40))
    #expect(!Glob(String(repeating: "**/", count: 12) + "x").matches(String(repeating: "a/", count: 40) + "y"))
  }
}
