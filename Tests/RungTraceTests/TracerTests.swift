import Glibc
import RungCore
import RungLedger
import Testing

@testable import RungTrace

@Suite struct TracerTests {
  @Test func aPublishedFileIsFoundByContentWhateverItsNameAndPlace() throws {
    let world = try World()
    let figure = try world.run("demo/figure", [source("demo/figure.py")], makes: ["figure": "<svg/>"])
    try world.publish(figure, "figure", at: "figure.svg")
    world.write("<svg/>", to: "figure.svg")
    let subject = try world.tracer.find(fileAt: "\(world.root)/figure.svg")
    #expect(subject.record == figure.digest)
    #expect(subject.instance == "demo/figure")
    #expect(subject.output == "figure")
    #expect(subject.publishedAt == "figure.svg")
    #expect(subject.alsoMadeBy.isEmpty)

    let copy = "\(world.folder)/renamed.bin"
    rename("\(world.root)/figure.svg", copy)
    let trace = try world.tracer.trace(fileAt: copy)
    #expect(trace.subject.record == figure.digest)
    #expect(trace.lineage.sources.map(\.path) == ["demo/figure.py"])
  }

  @Test func anInstanceThatTookTheResultOfAnotherSaysSo() throws {
    // Two pipelines have the same step: one ran, the other published what it made.
    let world = try World()
    let made = try world.run("a/figure", makes: ["figure": "<svg/>"])
    var changes = LedgerChanges()
    changes.published = [
      PublishedRow(
        project: ".", path: "b.svg", digest: made.content("figure"), instance: "b/figure", output: "figure",
        record: made.digest)
    ]
    try world.ledger.commit(changes)
    world.write("<svg/>", to: "b.svg")
    let trace = try world.tracer.trace(fileAt: "\(world.root)/b.svg")
    #expect(trace.subject.instance == "b/figure")
    #expect(trace.text().contains("executed as a/figure, which is the same"))
  }

  @Test func anOutputIsFoundByItsDigest() throws {
    let world = try World()
    let made = try world.run("demo/fit", [source("demo/fit.py")])
    let trace = try world.tracer.trace(digest: made.content("out"))
    #expect(trace.subject.record == made.digest)
    #expect(trace.lineage.sources.map(\.path) == ["demo/fit.py"])
    #expect(throws: TraceError.self) { try world.tracer.trace(digest: Digest(of: [9])) }
  }

  @Test func ofManyMakersThePublishedOneIsShownElseTheNewest() throws {
    let world = try World()
    let first = try world.run("demo/a", makes: ["out": "same"])
    let second = try world.run("demo/b", makes: ["out": "same", "twin": "same"])
    try world.run("demo/c", makes: ["out": "same"]) { $0.outcome = .failed }
    world.write("same", to: "x")
    let newest = try world.tracer.find(fileAt: "\(world.root)/x")
    #expect(newest.record == second.digest)
    #expect(newest.output == "out")
    #expect(newest.alsoMadeBy.map(\.instance) == ["demo/b", "demo/a"])
    #expect(newest.alsoMadeBy.map(\.output) == ["twin", "out"])

    try world.publish(first, "out", at: "figures/a")
    #expect(try world.tracer.find(fileAt: "\(world.root)/x").record == first.digest)
    try world.publish(second, "twin", at: "x")
    let here = try world.tracer.find(fileAt: "\(world.root)/x")
    #expect(here.record == second.digest)
    #expect(here.output == "twin")
  }

  @Test func aDamagedRecordGivesWayToAnotherMaker() throws {
    let world = try World()
    let first = try world.run("demo/a", makes: ["out": "same"])
    let second = try world.run("demo/b", makes: ["out": "same"])
    world.write("same", to: "x")
    try world.lose(second.digest, isRecord: true)
    #expect(try world.tracer.find(fileAt: "\(world.root)/x").record == first.digest)
    try world.lose(first.digest, isRecord: true)
    let trace = try world.tracer.trace(fileAt: "\(world.root)/x")
    #expect(trace.subject.instance == "demo/b")
    #expect(!trace.lineage.isComplete)
    #expect(trace.text().contains("INCOMPLETE"))
    #expect(trace.json["watch"] == .null)
    #expect(trace.dot.hasSuffix("}\n"))
  }

  @Test func aFolderIsFoundByItsManifestAndAFileInItByItsPlace() throws {
    let world = try World()
    mkdir("\(world.root)/out", 0o755)
    mkdir("\(world.root)/out/deep", 0o755)
    world.write("one", to: "out/1.txt")
    world.write("two", to: "out/deep/2.txt")
    symlink("deep/2.txt", "\(world.root)/out/link")
    chmod("\(world.root)/out/1.txt", 0o755)
    let tree = try world.store.putTree(at: "\(world.root)/out")
    let made = try world.run("demo/plots") {
      $0.outputs = [.init(name: "all", path: "plots", kind: "tree", digest: tree.digest, size: tree.size)]
    }
    try world.publish(made, "all", at: "out")
    let subject = try world.tracer.find(fileAt: "\(world.root)/out/")
    #expect(subject.digest == tree.digest)
    #expect(subject.record == made.digest)
    let inside = try world.tracer.find(fileAt: "\(world.root)/out/deep/2.txt")
    #expect(inside.record == made.digest)
    #expect(inside.publishedAt == "out")
    world.write("changed", to: "out/deep/2.txt")
    #expect(throws: TraceError.self) { try world.tracer.find(fileAt: "\(world.root)/out/deep/2.txt") }
  }

  @Test func whatCannotBeTracedIsExplained() throws {
    let world = try World()
    let figure = try world.run("demo/figure", makes: ["figure": "<svg/>"])
    try world.publish(figure, "figure", at: "figure.svg")

    world.write("edited", to: "figure.svg")
    let changed = problem { try world.tracer.find(fileAt: "\(world.root)/figure.svg") }
    #expect(changed?.code == .changed)
    #expect(changed?.published?.instance == "demo/figure")
    #expect(changed?.description.contains("demo/figure published its output 'figure' there") == true)

    world.write("print()", to: "fit.py")
    try world.store.put(Array("print()".utf8))
    #expect(problem { try world.tracer.find(fileAt: "\(world.root)/fit.py") }?.code == .source)
    var changes = LedgerChanges()
    changes.stats = [
      .init(
        project: ".",
        entry: .init(
          path: "lib/fit.py", device: 1, inode: 1, size: 7, modified: 1, changed: 1, mode: 0o100644,
          digest: Digest(of: Array("print()".utf8)), hashedAt: 9))
    ]
    try world.ledger.commit(changes)
    let copy = problem { try world.tracer.find(fileAt: "\(world.root)/fit.py") }
    #expect(copy?.message.contains("has the content of lib/fit.py, which is a source") == true)

    world.write("never seen", to: "unknown")
    let unknown = problem { try world.tracer.find(fileAt: "\(world.root)/unknown") }
    #expect(unknown?.code == .notAnOutput)
    #expect(unknown?.description.contains(Digest(of: Array("never seen".utf8)).description) == true)

    let missing = problem { try world.tracer.find(fileAt: "\(world.root)/nothing") }
    #expect(missing?.code == .unreadable)
    #expect(missing?.message.contains("No such file or directory") == true)
    mkfifo("\(world.root)/pipe", 0o600)
    #expect(problem { try world.tracer.find(fileAt: "\(world.root)/pipe") }?.code == .unreadable)
  }

  private func problem(_ body: () throws -> Trace.Subject) -> TraceError? {
    do {
      _ = try body()
      return nil
    } catch {
      return error as? TraceError
    }
  }
}
