package mllibpy.algorithm.decomposition

import mllibpy.engine.{Blocks, Shared}
import mllibpy.kernel.decomposition.LeftMap
import mllibpy.kernel.linear.Examples

/** The left singular vectors of a fit, on the driver: one pass. */
object Left {

  /** By row, in runs, in the order of the rows. */
  def rows(fit: SvdFit): Seq[Array[Double]] = {
    val blocks = fit.data.blocks
    val at = blocks.share(fit.map)
    try gathered(blocks, at, 8 * fit.rows * fit.s.length / Math.max(1, blocks.partitions))
    finally at.destroy()
  }

  // In a method of its own, so that the tasks' closure holds just these arguments.
  private def gathered(
      blocks: Blocks[Examples],
      map: Shared[LeftMap],
      bytes: Long
  ): Seq[Array[Double]] =
    blocks.sum(bytes)(() => Vector.empty[Array[Double]])((parts, block) =>
      parts :+ LeftMap.rows(block, map.value)
    )(_ ++ _)
}
