import RungCore
import Testing

@testable import RungModel

/// `remote` and `trust` in rung.yaml.
@Suite struct RemoteSettingTests {
  private func settings(_ text: String) throws -> ProjectSettings {
    try MemoryProject([
      "rung.yaml": text,
      "pipelines/x/pipeline.yaml": "pipeline: x\nsteps: {s: {run: 'echo > {out.o}', outputs: {o: o}}}\n",
    ]).load().settings
  }

  private func mistakes(_ text: String) -> [String] {
    MemoryProject([
      "rung.yaml": text,
      "pipelines/x/pipeline.yaml": "pipeline: x\nsteps: {s: {run: 'echo > {out.o}', outputs: {o: o}}}\n",
    ]).mistakes().map(\.message)
  }

  @Test func oneAddressOrMany() throws {
    #expect(try settings("remote: /mnt/lab/rung").remotes == [RemoteSetting(address: "/mnt/lab/rung")])
    let text = """
      remote:
        - /media/disk
        - {url: "https://cache.example.org/rung", name: lab, push: false}
      """
    #expect(
      try settings(text).remotes == [
        RemoteSetting(address: "/media/disk"),
        RemoteSetting(address: "https://cache.example.org/rung", name: "lab", push: false),
      ])
    #expect(try settings("jobs: 2").remotes == [])
  }

  @Test func trustNamesKeys() throws {
    let id = Digest(ofText: "a key").description
    #expect(try settings("trust: [\"\(id)\"]").trust == [id])
    #expect(mistakes("trust: [ana]") == ["'ana' is no key's id"])
    #expect(mistakes("trust: ana") == ["expected a list for 'trust', found the text 'ana'"])
  }

  @Test func mistakesAreTold() {
    #expect(mistakes("remote: [{name: lab}]") == ["a remote needs 'url': a folder, or where it is on the network"])
    #expect(mistakes("remote: [{url: /a, name: lab}, {url: /b, name: lab}]") == ["there are two remotes called 'lab'"])
    #expect(mistakes("remote: [{url: /a, pull: true}]").first?.contains("unknown key 'pull'") == true)
    #expect(mistakes("remote: ''") == ["the address of a remote is empty"])
    #expect(mistakes("remote: https://ana:secret@example.org/") == ["the address of a remote has a password in it"])
    #expect(
      mistakes("remote: [{url: 'https://ana:secret@example.org/'}]") == ["the address of a remote has a password in it"]
    )
  }
}
