import RungLedger

extension LedgerChanges {
  /// Appends other changes.
  mutating func merge(_ other: LedgerChanges) {
    actions += other.actions
    records += other.records
    outputs += other.outputs
    history += other.history
    statRemovals += other.statRemovals
    stats += other.stats
    durations += other.durations
    runs += other.runs
    published += other.published
    probes += other.probes
    pins += other.pins
    unpins += other.unpins
    uses += other.uses
    displaced += other.displaced
    collected += other.collected
    verifications += other.verifications
    acceptances += other.acceptances
  }
}
