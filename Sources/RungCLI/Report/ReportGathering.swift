import RungCore
import RungEngine
import RungLedger
import RungModel
import RungPlan
import RungReport
import RungStore
import RungTrace

/// Fills the values of a report from a project and its cache. Records are read once, however many figures lead to them.
///
/// What cannot be read is left out or named as such: a report shows what there is.
struct ReportGathering {
  let session: Session
  let survey: Survey
  /// The pipelines to show, by their places in the graph.
  let pipelines: [Int]
  /// For each instance the record that stands for it: of its result, or of what became of it last. Nil for none.
  let records: [Digest?]
  /// Every execution behind all that is shown.
  let lineage: Lineage
  /// What was found out about those executions.
  let audit: Audit
  /// By step (`pipeline/step`): the files of the project that it read, without folders and lock files.
  let sourcesByStep: [String: [Lineage.Source]]
  /// Published files, by the instance that makes them.
  let published: [PublishedThing]

  /// The pictures to copy into the report, by their digests.
  var pictures: [(file: String, digest: Digest)] = []
  private var pictureFiles: Set<String> = []
  /// The texts that pages lead to.
  var texts = ReportTexts()

  /// In bytes; larger figures are named and not shown.
  static let largestPicture: Int64 = 32 << 20

  /// A published file and what made it.
  struct PublishedThing {
    let path: String
    let instance: BuildGraph.NodeID
    let output: String
    let digest: Digest
    let record: Digest
    let isCurrent: Bool
  }

  /// Looks up everything that the surveyed instances have; `chosen` are those that were asked for.
  init(session: Session, survey: Survey, chosen: [BuildGraph.NodeID]) throws {
    self.session = session
    self.survey = survey
    let graph = session.graph
    var shown = [Bool](repeating: false, count: graph.pipelines.count)
    for instance in chosen { shown[graph.steps[Int(graph.stepOfInstance[instance])].pipeline] = true }
    // A pipeline that waits for a dynamic axis may have no instance yet.
    if chosen.count == graph.instanceCount {
      for open in graph.open {
        if let index = graph.pipelines.firstIndex(where: { $0.name == open.pipeline }) { shown[index] = true }
      }
    }
    pipelines = shown.indices.filter { shown[$0] }.sorted { graph.pipelines[$0].name < graph.pipelines[$1].name }

    var records = [Digest?](repeating: nil, count: graph.instanceCount)
    for instance in 0..<graph.instanceCount where survey.standing[instance] != .unneeded {
      records[instance] =
        survey.standing[instance] == .current
        ? session.result(of: instance)?.record : session.lastEntry(of: instance)?.record
    }
    self.records = records
    published = Self.published(session, survey, shown, records)
    var seen: Set<Digest> = []
    let roots = (records.compactMap { $0 } + published.map(\.record)).filter { seen.insert($0).inserted }
    lineage = Lineage.of(records: roots, store: session.store, lookingForOutputs: false)
    sourcesByStep = Self.byStep(lineage.sources)
    audit = Audit.of(lineage.executions.map { ($0.digest, $0.record) }, ledger: session.ledger, store: session.store)
  }

  /// The sources that are texts or data, by the steps that read them.
  static func byStep(_ sources: [Lineage.Source]) -> [String: [Lineage.Source]] {
    var result: [String: [Lineage.Source]] = [:]
    for source in sources where source.kind != .lock && source.kind != .tree {
      for step in source.usedBy { result[step, default: []].append(source) }
    }
    return result
  }

  // What lies in the project now, else what a run put there last.
  private static func published(
    _ session: Session, _ survey: Survey, _ shown: [Bool], _ records: [Digest?]
  ) -> [PublishedThing] {
    session.published.sorted { $0.key < $1.key }.compactMap { path, place in
      let step = session.graph.step(of: place.instance)
      guard shown[step.pipeline], survey.standing[place.instance] != .unneeded else { return nil }
      let name = step.step.outputs[place.output].name
      if survey.standing[place.instance] == .current, let result = session.result(of: place.instance),
        let output = result.outputs.first(where: { $0.name == name })
      {
        return PublishedThing(
          path: path, instance: place.instance, output: name, digest: output.digest, record: result.record,
          isCurrent: true)
      }
      guard let row = session.lastPublished(at: path) else { return nil }
      return PublishedThing(
        path: path, instance: place.instance, output: row.output, digest: row.digest, record: row.record,
        isCurrent: false)
    }
  }

  /// The report.
  mutating func site(title: String?, written: Int64) throws -> Site {
    let root = session.project.root
    let name = root.split(separator: "/").last.map(String.init) ?? root
    var site = Site(project: title ?? name, written: written, version: Rung.version)
    let things = figures()
    // Runs are looked up before lineages, which lead to them.
    let runs = try ReportRuns(session: session, lineage: lineage, wanted: wantedRuns(things))
    for index in pipelines { site.pipelines.append(try pipeline(index, things)) }
    site.lineages = lineages(things, runs: Set(runs.values.map(\.id)))
    site.runs = runs.values
    site.olderRuns = runs.older
    site.texts = texts.values
    return site
  }

  // The runs that made what is published.
  private func wantedRuns(_ things: [ReportThing]) -> Set<String> {
    Set(things.compactMap { lineage.execution($0.record)?.record.run })
  }

  mutating func add(_ picture: Digest, as file: String) {
    if pictureFiles.insert(file).inserted { pictures.append((file, picture)) }
  }
}
