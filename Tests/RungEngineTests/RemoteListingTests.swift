import RungCore
import RungFormats
import RungModel
import RungRemote
import Testing

@testable import RungEngine

/// What is listed under a key, as a value.
@Suite struct RemoteListingTests {
  private func candidate(_ name: String, signed: [String] = ["me"], outputs: Int = 1) -> RemoteListing.Candidate {
    func object(_ role: String, _ text: String) -> RemoteListing.Object {
      .init(role: role, digest: Digest(ofText: text), size: Int64(text.utf8.count))
    }
    return RemoteListing.Candidate(
      objects: [object("record", name)] + (0..<outputs).map { object("output", "\(name) \($0)") }
        + signed.map { object("signature", "\(name) by \($0)") })
  }

  @Test func theMessageSaysItAll() {
    let listing = RemoteListing(candidates: [candidate("new", outputs: 12), candidate("old")])
    #expect(RemoteListing(listing.actionResult) == listing)
    #expect(listing.actionResult.files.prefix(3).map(\.path) == ["0/record/0", "0/output/0", "0/output/1"])
  }

  @Test func theNewestStandsFirstAndSixteenAreKept() {
    var listing = RemoteListing()
    for number in 0..<40 { listing.add(candidate("\(number)")) }
    #expect(listing.candidates.count == 16)
    #expect(listing.candidates[0].record == Digest(ofText: "39"))
    #expect(listing.candidates[15].record == Digest(ofText: "24"))
  }

  @Test func signaturesOfOthersStay() {
    var listing = RemoteListing(candidates: [candidate("a", signed: ["ana"]), candidate("b")])
    listing.add(candidate("a", signed: ["eva"]))
    #expect(listing.candidates.count == 2)
    let signatures = listing.candidates[0].all("signature").map(\.digest)
    #expect(signatures == [Digest(ofText: "a by eva"), Digest(ofText: "a by ana")])
    for number in 0..<20 { listing.add(candidate("a", signed: ["\(number)"])) }
    #expect(listing.candidates[0].all("signature").count == RemoteListing.mostSignatures)
  }

  @Test func whatIsTooMuchIsDroppedFromTheEnd() {
    var listing = RemoteListing(candidates: [candidate("small"), candidate("large", outputs: 50_000)])
    listing.add(candidate("new", outputs: 20_000))
    #expect(listing.candidates.map(\.record) == [Digest(ofText: "new"), Digest(ofText: "small")])
    #expect(listing.actionResult.bytes.count < 8 << 20)
  }

  @Test func strangePathsNameNothing() {
    let digest = Digest(ofText: "x")
    let paths = ["record", "0/record", "a/record/0", "-1/record/0", "0/record/0/1", "5000/record/0", ""]
    let files = paths.map { ActionResult.File(path: $0, digest: digest, size: 1) }
    #expect(RemoteListing(ActionResult(files: files)).candidates.isEmpty)
    // Two records are as good as none.
    let two = ["0/record/0", "0/record/1"].map { ActionResult.File(path: $0, digest: digest, size: 1) }
    #expect(RemoteListing(ActionResult(files: two)).candidates.isEmpty)
  }

  @Test func variablesComeBeforeTheFile() {
    var settings = ProjectSettings()
    settings.remotes = [RemoteSetting(address: "/a", name: "lab"), RemoteSetting(address: "/b", push: false)]
    func names(_ variable: String?, only: String? = nil) -> [String] {
      let variables = variable.map { ["RUNG_REMOTE": $0] } ?? [:]
      return RemoteCaches.open(settings, root: "/project", variables: variables, only: only, by: "me").caches.remotes
        .map { "\($0.name) \($0.pushes)" }
    }
    #expect(names(nil) == ["lab true", "/b false"])
    #expect(names("") == ["lab true", "/b false"])
    #expect(names("/c") == ["/c true"])
    #expect(names("+/c") == ["/c true", "lab true", "/b false"])
    #expect(names(nil, only: "lab") == ["lab true"])
    #expect(names(nil, only: "/b") == ["/b false"])
    #expect(names(nil, only: "/d") == ["/d true"])
    #expect(names(nil, only: "d") == [])
    let wrong = RemoteCaches.open(
      settings, root: "/project", variables: ["RUNG_REMOTE": "gopher://x"], by: "me")
    #expect(wrong.caches.remotes.isEmpty && wrong.problems.count == 1)
  }

  @Test func aRemoteThatFailedIsLeftAlone() {
    var health = RemoteHealth()
    #expect(health.allows(.reading) && health.allows(.writing))
    let full = RemoteError(.full, "it is full")
    #expect(health.failed(full, .writing)?.contains("it is full") == true)
    #expect(health.allows(.reading) && !health.allows(.writing))
    #expect(health.failed(full, .writing) == nil)
    #expect(health.failed(RemoteError(.strange, "what"), .reading) != nil)
    #expect(!health.allows(.reading))
    var other = RemoteHealth()
    #expect(other.failed(RemoteError(.unreachable, "gone"), .reading) != nil)
    #expect(!other.allows(.writing) && other.failed(RemoteError(.unreachable, "gone"), .writing) == nil)
  }
}
