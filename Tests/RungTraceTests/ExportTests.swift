import Glibc
import RungCore
import RungLedger
import RungStore
import Testing

@testable import RungSign
@testable import RungTrace

/// The documents that others read, against the lineages that they are made from.
@Suite struct ExportTests {
  /// A sweep of so many points, whose outputs a table gathers; the points' contents are a third of their number.
  static func sweep(_ world: World, points: Int) throws -> Made {
    let members = try (0..<points).map { number in
      try world.run(
        "demo/point[k=\(number)]", [source("demo/point.py")], makes: ["metrics": "content \(number / 3)"]
      ) {
        $0.environment = python
        $0.parameters = [.init("k", .int(number)), .init("scale", .number("0.10"))]
      }
    }
    return try world.run(
      "demo/figure", [source("demo/figure.py"), try world.collect("point.metrics", members, output: "metrics")],
      makes: ["svg": "<svg/>", "table": "a,b"]
    ) { $0.variables = [.init("LANG", "C")] }
  }

  private func trace(_ world: World, _ made: Made) throws -> Trace { try world.tracer.trace(record: made.digest) }

  @Test(arguments: [
    (Int64(0), "1970-01-01T00:00:00.000000000Z"), (1, "1970-01-01T00:00:00.000000001Z"),
    (-1, "1969-12-31T23:59:59.999999999Z"), (951_825_599_999_999_999, "2000-02-29T11:59:59.999999999Z"),
    (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"), (.max, "2262-04-11T23:47:16.854775807Z"),
    (.min, "1677-09-21T00:12:43.145224192Z"),
  ])
  func timesAreThoseOfTheCalendar(nanoseconds: Int64, text: String) {
    #expect(ExportTime.exact(nanoseconds) == text)
    #expect(ExportTime.milliseconds(nanoseconds) == text.dropLast(7) + "+00:00")
  }

  @Test func aNameCannotBreakAnIdentifier() {
    #expect(ExportNames.escaped("a b/ä#?%\"\n:x") == "a%20b/%C3%A4%23%3F%25%22%0A%3Ax")
    #expect(ExportNames.escaped("Az09-._~/") == "Az09-._~/")
  }

  @Test func provenanceSaysWhatRecordsSay() throws {
    let world = try World()
    let figure = try Self.sweep(world, points: 4)
    let prov = try trace(world, figure).prov
    let entity = "output:\(figure.digest.hex)/svg"
    #expect(prov["entity"]?[entity]?["rung:digest"]?.digest == figure.content("svg"))
    let activity = "execution:\(figure.digest.hex)"
    #expect(prov["activity"]?[activity]?["rung:host"] == "atlas")
    #expect(prov["activity"]?[activity]?["prov:startTime"]?.string == ExportTime.exact(figure.record.started))
    let used = try #require(prov["used"]?.members).filter { $0.value["prov:activity"]?.string == activity }
    let code = "source:\(source("demo/figure.py").digest.hex)/demo/figure.py"
    #expect(used.contains { $0.value["prov:entity"]?.string == code })
    #expect(used.count == 2)
    // Each point is made once and is a member once, also where two have the same bytes.
    #expect(prov["wasGeneratedBy"]?.members?.count == 6)
    #expect(prov["hadMember"]?.members?.count == 4)
    #expect(prov["agent"]?.members?.map(\.name) == ["agent:rung-0.1.0"])
  }

  /// Every name that a document refers to is there, and each once, whatever the records call things.
  @Test func noNameIsDoubleOrDangling() throws {
    let world = try World()
    let odd = try world.run(
      "demo/odd", [source("a b\"#.py"), source("../../escape"), source("/etc/passwd"), source("result/x")],
      makes: ["o/ü": "1", "o ü": "2"]
    ) {
      $0.parameters = [.init("p#", "x y"), .init("p#2", ["deep": [1, 2]])]
      $0.outputs[0].path = "../../out"
    }
    let figure = try world.run("demo/figure", [odd.input(output: "o/ü"), odd.input(output: "o ü")])
    for made in [odd, figure, try Self.sweep(world, points: 7)] {
      let trace = try trace(world, made)
      let crate = trace.crate(CrateOptions(intermediates: true)) { _ in true }
      let graph = try #require(crate.metadata["@graph"]?.array)
      let ids = graph.compactMap { $0["@id"]?.string }
      #expect(ids.count == graph.count && Set(ids).count == ids.count)
      var known = Set(ids)
      known.insert("https://w3id.org/ro/crate/1.1")
      func walk(_ json: JSON, isTop: Bool) {
        if !isTop, let id = json["@id"]?.string { #expect(known.contains(id), "\(id)") }
        for item in json.array ?? [] { walk(item, isTop: false) }
        for member in json.members ?? [] { walk(member.value, isTop: false) }
      }
      for entity in graph { walk(entity, isTop: true) }

      let prov = trace.prov
      let names = ["entity", "activity", "agent"].flatMap { prov[$0]?.members?.map(\.name) ?? [] }
      #expect(Set(names).count == names.count)
      for section in prov.members ?? [] where !["prefix", "entity", "activity", "agent"].contains(section.name) {
        for relation in section.value.members ?? [] {
          for reference in relation.value.members ?? [] where reference.name != "prov:time" {
            #expect(names.contains(reference.value.string ?? ""), "\(reference)")
          }
        }
      }
    }
  }

  @Test func sizeIsInProportionAndBytesAreTheSame() throws {
    var sizes: [[Int]] = []
    for points in [200, 400] {
      let world = try World()
      let trace = try trace(world, try Self.sweep(world, points: points))
      let documents = try [trace.prov, trace.crate(CrateOptions()) { _ in true }.metadata, #require(trace.statement)]
      let again = try [trace.prov, trace.crate(CrateOptions()) { _ in true }.metadata, #require(trace.statement)]
      #expect(documents == again)
      sizes.append(documents.map(\.compactBytes.count))
    }
    for (small, large) in zip(sizes[0], sizes[1]) { #expect(Double(large) < 2.1 * Double(small), "\(sizes)") }
  }

  @Test func aStatementNamesAllThatItDependsOn() throws {
    let world = try World()
    let figure = try Self.sweep(world, points: 3)
    let trace = try trace(world, figure)
    let statement = try #require(trace.statement)
    let subjects = statement["subject"]?.array?.compactMap { $0["digest"]?["sha256"]?.string }
    #expect(subjects == ["svg", "table"].map { figure.content($0).hex })
    let build = try #require(statement["predicate"]?["buildDefinition"])
    let named = build["resolvedDependencies"]?.array?.compactMap { $0["name"]?.string }
    #expect(named == ["demo/figure.py", "demo/point.py", "demo/requirements.lock", "/usr/bin/python3.11"])
    let details = try #require(statement["predicate"]?["runDetails"])
    let records = Set(details["byproducts"]?.array?.compactMap { $0["digest"]?["sha256"]?.string } ?? [])
    #expect(records == Set(trace.lineage.executions.map(\.digest.hex)))
    #expect(details["metadata"]?["invocationId"]?.digest == figure.digest)
    #expect(build["internalParameters"]?["incomplete"] == nil)
  }

  @Test func whatIsMissingIsSaid() throws {
    let world = try World()
    let figure = try Self.sweep(world, points: 3)
    let lost = try trace(world, figure).lineage.executions[0].digest
    try world.lose(lost, isRecord: true)
    let trace = try trace(world, figure)
    let build = trace.statement?["predicate"]?["buildDefinition"]
    #expect(build?["internalParameters"]?["incomplete"]?.array?.count == 1)
    let entity = trace.prov["entity"]?["output:\(figure.digest.hex)/svg"]
    #expect(entity?["rung:incomplete"]?.array?.count == 1)
    let crate = trace.crate(CrateOptions()) { _ in false }
    #expect(crate.metadata["@graph"]?.array?[1]["description"]?.string?.contains("Not complete") == true)
    #expect(crate.payload.isEmpty && !crate.absent.isEmpty)
  }

  @Test func whatWasAcceptedIsSaid() throws {
    let world = try World()
    let figure = try Self.sweep(world, points: 2)
    let point = try trace(world, figure).lineage.executions[0]
    let acceptance = Acceptance(
      instance: point.record.instance, key: point.record.key, record: point.digest,
      changes: [.init(kind: "input", name: "code", old: nil, new: nil)], because: "only a comment", who: "ann on atlas",
      at: 1_700_000_000_000_000_000, support: [], version: "0.1.0")
    let digest = try world.store.putRecord(acceptance.bytes)
    try world.store.flush()
    var changes = LedgerChanges()
    changes.acceptances = [
      AcceptanceRow(
        digest: digest, project: ".", instance: acceptance.instance, key: acceptance.key, record: acceptance.record,
        at: acceptance.at)
    ]
    try world.ledger.commit(changes)

    let trace = try trace(world, figure)
    let prov = trace.prov
    #expect(prov["entity"]?["acceptance:\(digest.hex)"]?["prov:label"] == "only a comment")
    #expect(prov["agent"]?["person:ann%20on%20atlas"] != nil)
    #expect(prov["wasInfluencedBy"]?.members?.count == 1)
    let graph = trace.crate(CrateOptions()) { _ in true }.metadata["@graph"]?.array ?? []
    let comment = graph.first { $0["@type"] == "Comment" }
    #expect(comment?["text"] == "only a comment")
    #expect(comment?["about"]?["@id"]?.string == "#execution/\(point.digest.hex)")

    // Whoever says that it was accepted must have the acceptance; that there are more by now says nothing against it.
    let said = try #require(trace.statement)
    let key = try #require(SecretKey(seed: [UInt8](repeating: 7, count: 32)))
    func problems(_ statement: JSON) -> [String]? {
      StatementCheck(Envelope(statement: statement, key: key).bytes, keys: [key.publicKey], store: world.store)?
        .problems
    }
    #expect(problems(said) == [])
    #expect(problems(try #require(trace.lineage.statement(of: figure.digest))) == [])
    let other = try JSON(parsing: said.compact.replacing("only a comment", with: "a new method"))
    #expect(
      problems(other) == ["its predicate.buildDefinition.internalParameters is not what the records in this cache say"])
    try world.lose(digest, isRecord: true)
    #expect(problems(said)?.count == 1)
  }

  // MARK: crates on the disk

  @Test func aCrateHasTheBytesThatItNames() throws {
    let world = try World()
    for text in ["demo/figure.py", "demo/point.py", "lock"] { _ = try world.store.put(Array(text.utf8)) }
    let figure = try Self.sweep(world, points: 3)
    let crate = try trace(world, figure).crate(CrateOptions(intermediates: true)) { world.store.contains($0) }
    let target = "\(world.folder)/crate"
    mkdir(target, 0o755)
    try crate.write(to: target, from: world.store)
    #expect(crate.payload.count == 6 && crate.absent.isEmpty)
    for item in crate.payload {
      #expect(try ObjectStore.digest(ofFileAt: item.path.absolute(in: target)).digest == item.digest)
    }
    let text = try ObjectStore.digest(ofFileAt: "\(target)/\(Crate.metadataName)").digest
    #expect(text == Digest(of: Array(crate.metadata.pretty.utf8) + [10]))
  }

  @Test func nothingIsWrittenOutsideTheCrate() throws {
    let world = try World()
    let paths = ["../../up", "/absolute", "a/../../up", "a/./b", "a//b", "", "x/../../result/f", "a\0b", "fine/f"]
    for path in paths { _ = try world.store.put(Array("content of \(path)".utf8)) }
    let odd = try world.run(
      "demo/odd", paths.map { source($0, "content of \($0)") }, makes: ["out": "made"]
    ) { $0.outputs[0].path = "../../../out" }
    let crate = try trace(world, odd).crate(CrateOptions(intermediates: true)) { world.store.contains($0) }
    mkdir("\(world.folder)/safe", 0o755)
    let target = "\(world.folder)/safe/crate"
    mkdir(target, 0o755)
    try crate.write(to: target, from: world.store)
    #expect(names("\(world.folder)/safe") == ["crate"])
    #expect(
      names(target).allSatisfy { ["project", "versions", Crate.metadataName].contains($0) || $0.hasPrefix("result-") })
    #expect(crate.payload.contains { $0.path.text == "project/fine/f" })
  }

  @Test func twoPayloadsNeverMeet() throws {
    let world = try World()
    let inputs = [
      source("data", "1"), source("data", "2"), source("data/x", "3"), source("data/x/y", "4"), source("data-x", "5"),
    ]
    for content in 1...5 { _ = try world.store.put(Array("\(content)".utf8)) }
    let made = try world.run("demo/figure", inputs)
    let crate = try trace(world, made).crate(CrateOptions()) { world.store.contains($0) }
    #expect(crate.payload.count == 6)
    let target = "\(world.folder)/crate"
    mkdir(target, 0o755)
    try crate.write(to: target, from: world.store)
  }

  @Test func damagedBytesAreNotPassedOn() throws {
    let world = try World()
    let figure = try world.run("demo/figure", makes: ["out": String(repeating: "bytes ", count: 50)])
    let place = try #require(try world.store.location(of: figure.content("out")))
    let file = open(place.file, O_RDWR)
    pwrite(file, "!", 1, Int(place.bytes.upperBound) - 1)
    close(file)
    let store = try ObjectStore(path: "\(world.folder)/cache", durability: .none)
    let crate = try trace(world, figure).crate(CrateOptions()) { store.contains($0) }
    let target = "\(world.folder)/crate"
    mkdir(target, 0o755)
    #expect(throws: StoreError.self) { try crate.write(to: target, from: store) }
    #expect(!names(target).contains(Crate.metadataName))
  }

  private func names(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
