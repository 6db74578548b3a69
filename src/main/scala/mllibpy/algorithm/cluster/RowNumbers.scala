package mllibpy.algorithm.cluster

import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.Blocks
import mllibpy.kernel.linear.Examples
import org.apache.spark.TaskContext

import java.util.IdentityHashMap

/** The number of a block's first row, where rows have numbers. */
private[cluster] abstract class RowNumbers extends Serializable {

  /** Below 0 for none, another one in each partition. */
  def first(block: Examples): Long
}

private[cluster] object RowNumbers {
  def of(data: LinearData): RowNumbers =
    if (!data.numbered) None
    else if (data.blocks.context.isEmpty) new ByBlock(inOrder(data.blocks))
    else new ByPartition(rows(data.blocks).scanLeft(0L)(_ + _).toArray)

  /** The driver's own blocks. */
  def inOrder(blocks: Blocks[Examples]): Seq[Examples] =
    blocks.sum(0)(() => Vector.empty[Examples])(_ :+ _)(_ ++ _)

  private def rows(blocks: Blocks[Examples]): Seq[Long] =
    blocks.sum(8)(() => Vector.empty[Long])(_ :+ _.rows.toLong)(_ ++ _)

  private object None extends RowNumbers {
    def first(block: Examples): Long = -1L - TaskContext.getPartitionId()
  }

  private final class ByBlock(blocks: Seq[Examples]) extends RowNumbers {
    private val at = new IdentityHashMap[Examples, Long]
    blocks.foldLeft(0L) { (from, block) => at.put(block, from); from + block.rows }
    def first(block: Examples): Long = at.get(block)
  }

  private final class ByPartition(starts: Array[Long]) extends RowNumbers {
    def first(block: Examples): Long = starts(TaskContext.getPartitionId())
  }
}
