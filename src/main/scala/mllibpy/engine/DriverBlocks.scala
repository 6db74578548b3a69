package mllibpy.engine

import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD

import scala.reflect.ClassTag

/** Blocks that the driver holds, as an RDD with one block per partition.
  *
  * Each block is shared on its own, fetched by the task that wants it: no limit of the scheduler's
  * messages on its size, and, since the driver keeps it, a lineage of one step that no lost
  * executor can break.
  */
final class DriverBlocks[T <: AnyRef: ClassTag](sc: SparkContext, blocks: Seq[T]) {
  private val held: Array[Shared[T]] = blocks.map(b => Shared(sc, b)).toArray

  val rdd: RDD[T] = {
    val handles = held
    sc.parallelize(handles.indices, Math.max(1, handles.length)).map(i => handles(i).value)
  }

  def release(): Unit = held.foreach(_.destroy())
}
