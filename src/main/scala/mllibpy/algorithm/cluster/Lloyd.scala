package mllibpy.algorithm.cluster

import mllibpy.engine.{Blocks, Monitor, StepRecord}
import mllibpy.kernel.cluster.{AssignPlan, AssignSum, Beside, Centres, Spread}
import mllibpy.kernel.linear.Examples

import scala.util.Random

/** Lloyd's algorithm from several starts at once (Lloyd: Least squares quantization in PCM, 1982).
  *
  * Crossings of an iteration: one job for all starts (and one more where a cluster became empty and
  * is begun anew); centres once to each executor, sums once from each partition.
  */
private[cluster] final class Lloyd(
    blocks: Blocks[Examples],
    spread: Spread,
    p: KMeansParams,
    monitor: Monitor
) {
  // Rows of the driver's own blocks remember their centres for sure.
  private val remembers = blocks.context.isEmpty
  private val keep = remembers || p.bounds != "never"
  private var pass = 0
  // Of what passes leave beside the blocks.
  var fit: Long = Random.nextLong()
  var passes = 0

  def run(starts: Seq[Centres]): Seq[Running] = {
    val cores = Math.min(
      blocks.partitions,
      blocks.context.fold(blocks.partitions)(_.defaultParallelism)
    )
    val running = starts.map(new Running(_, spread, p, remembers, cores))
    try while (running.exists(_.reason.isEmpty)) iterate(running)
    finally Beside.forget(fit)
    running
  }

  private def iterate(running: Seq[Running]): Unit = {
    val began = System.nanoTime()
    val (plan, found) = summed(running)
    var dropped = false
    for ((r, s) <- running.zipWithIndex if r.reason.isEmpty) {
      val empty = r.see(found, s, plan.starts(s))
      r.refuseEmpty(empty)
      if (empty.nonEmpty && p.empty == "drop") {
        r.drop(empty)
        r.move(Nil, Nil)
        dropped = true
      } else r.move(empty, if (empty.isEmpty) Nil else farthest(r.centres, empty.length))
    }
    if (dropped) restart(running) // centres have other numbers now
    val best = running.map(_.history.last).min
    monitor.record(
      StepRecord(passes, "pass", best, (System.nanoTime() - began) / 1e9)
    )
  }

  private def summed(running: Seq[Running]): (AssignPlan, AssignSum) = {
    val plan = new AssignPlan(fit, pass, keep, running.map(_.plan()).toArray)
    val found = Passes.assign(blocks, plan)
    passes += 1
    pass += 1
    if (!found.lost) (plan, found)
    else { // another fit on the same blocks has taken their states
      restart(running)
      summed(running)
    }
  }

  /** Goes on with nothing remembered. */
  private def restart(running: Seq[Running]): Unit = {
    Beside.forget(fit)
    fit = Random.nextLong()
    pass = 0
    running.foreach(_.forget())
  }

  private def farthest(centres: Centres, most: Int): Seq[Array[Double]] = {
    passes += 1
    Passes.farthest(blocks, centres, most)
  }
}
