package mllibpy.algorithm.als

import mllibpy.engine.SparseBlock
import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD

/** Ratings partitioned once; the models are broadcast each half-step. Good until one side's factors
  * no longer fit one machine.
  */
final class DataParallel(sc: SparkContext, laidOut: BothWays, step: BlockStep)
    extends DriverModels(sc, laidOut, step) {
  def blocks(side: Side): RDD[SparseBlock] = laidOut(side).blocks
}
