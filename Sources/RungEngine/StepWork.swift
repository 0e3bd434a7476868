import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan

/// One execution of an instance, everything decided: a value that a worker thread carries out.
struct StepWork: Sendable {
  let instance: BuildGraph.NodeID
  let name: String
  let stepPath: String
  let attempt: Int
  /// What the history calls a success: `ran`, `forced`, `rebuilt`.
  let cause: String
  let key: ActionKey
  let step: Step
  let pipelineName: String
  let labels: [(axis: String, label: String)]
  let parameters: [JSON.Member]
  let program: Record.Program?
  let confinement: Confinement
  let surroundings: Surroundings
  let environment: WorkEnvironment?
  let command: Program
  /// The command for people and for the record: the text for a shell, or the arguments.
  let commandWords: [String]
  let variables: [(name: String, value: String)]
  let path: String
  let gpus: [String]
  let sources: [ProjectFile]
  /// Names the list of sources: equal keys, equal lists.
  let sourcesKey: Digest
  /// Whether other instances of the step have just the same sources.
  let sharesSources: Bool
  let listings: [[UInt8]]
  let upstream: [UpstreamFile]
  let collections: [CollectedInput]
  /// Files that are there and empty: what the first round of a loop finds of a round before.
  let blanks: [RelativePath]
  /// The number of the round; nil for a step that is no loop.
  let round: Int?
  let outputs: [ExpectedOutput]
  /// Whether Rung does it itself, with nothing but its declared inputs.
  var isBuiltIn: Bool { if case .claims = step.command { true } else { false } }

  let publish: [(output: String, path: RelativePath)]
  /// Whether a worker elsewhere executes it.
  var isElsewhere = false
  let inputs: [Record.Input]

  /// An environment to be built if it is not there.
  struct WorkEnvironment: Sendable {
    let python: PythonEnvironment
    let lockBytes: [UInt8]
    let record: Record.Environment
  }

  /// A file or folder of the project that goes into the workspace.
  struct ProjectFile: Sendable {
    let path: RelativePath
    let content: SourceFiles.Content
    /// What the stat cache knew of a large file before.
    let before: Digest?
  }

  /// An output of another instance that goes into the workspace.
  struct UpstreamFile: Sendable {
    let path: RelativePath
    let output: ActionOutput
    let maker: BuildGraph.NodeID
    /// Whether others read it, too.
    let isShared: Bool
  }

  /// Outputs of many instances that go into the workspace together.
  struct CollectedInput: Sendable {
    /// The reference, as it is written.
    let name: String
    let path: RelativePath
    let form: BuildGraph.CollectedForm
    let collection: RungLedger.Collection
    let axes: [Axis]
    let members: [(values: [AxisValue], output: ActionOutput, maker: BuildGraph.NodeID, fileName: String)]
    /// Whether others read it, too.
    let isShared: Bool
  }

  /// What came of it.
  struct Ending: Sendable {
    var outcome: Outcome
    var record: Digest?
    var changes = LedgerChanges()
    var outputs: [ActionOutput] = []
    var observed = Observed()
    var duration = TimeSpan(nanoseconds: 0)
    var events: [RunEvent] = []
    /// Whether a worker elsewhere has put the outputs into the store.
    var isElsewhere = false
  }

  /// How it ended.
  enum Outcome: Sendable {
    case succeeded
    case failed(StepFailure)
    /// Bytes that it needs are gone from the cache.
    case inputsLost([BuildGraph.NodeID])
    case interrupted
  }
}
