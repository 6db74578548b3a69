package mllibpy.algorithm.als

import mllibpy.engine.{Gather, Shared, SparseBlock}
import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD

/** Ratings broadcast once to every executor, and the models each half-step: any task can solve any
  * row. Good while the ratings fit one machine.
  */
final class BroadcastEverything(sc: SparkContext, laidOut: BothWays, step: BlockStep)
    extends DriverModels(sc, laidOut, step) {

  private val ratings: Map[Side, Shared[Array[SparseBlock]]] = {
    val held = Side.map(s => Shared(sc, Gather(laidOut(s).blocks).sortBy(_.number)))
    laidOut.release()
    held
  }

  def blocks(side: Side): RDD[SparseBlock] =
    BroadcastEverything.pick(sc, ratings(side), laidOut.blocks)

  override def close(): Unit = {
    super.close()
    ratings.values.foreach(_.destroy())
  }
}

private object BroadcastEverything {
  def pick(sc: SparkContext, held: Shared[Array[SparseBlock]], count: Int): RDD[SparseBlock] =
    sc.parallelize(0 until count, count).map(i => held.value(i))
}
