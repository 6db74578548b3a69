package mllibpy.engine

import org.apache.hadoop.fs.Path
import org.apache.spark.rdd.RDD
import org.apache.spark.storage.StorageLevel

import scala.reflect.ClassTag

/** Cuts the lineage of an RDD that grows by a step each iteration, so that neither the plan, nor
  * its shuffle files, nor what a lost executor takes with it grow with the number of iterations.
  *
  * Where the context has a checkpoint directory the blocks go there (and are deleted when
  * released); otherwise through the driver, which holds a model's factors at the end of a fit
  * anyway.
  */
object Lineage {
  final class Cut[T](val rdd: RDD[T], val release: () => Unit)

  def cut[T <: AnyRef: ClassTag](rdd: RDD[T]): Cut[T] =
    if (rdd.sparkContext.getCheckpointDir.isDefined) toCheckpoint(rdd) else throughDriver(rdd)

  private def throughDriver[T <: AnyRef: ClassTag](rdd: RDD[T]): Cut[T] = {
    val held = new DriverBlocks(rdd.sparkContext, rdd.collect().toSeq)
    val out = held.rdd.persist(StorageLevel.MEMORY_AND_DISK)
    new Cut(out, () => { out.unpersist(blocking = false); held.release() })
  }

  private def toCheckpoint[T: ClassTag](rdd: RDD[T]): Cut[T] = {
    val out = rdd.map(identity)
    val sc = rdd.sparkContext
    val cut = new Cut(
      out,
      () => {
        out.unpersist(blocking = false)
        out.getCheckpointFile.foreach { f =>
          val path = new Path(f)
          path.getFileSystem(sc.hadoopConfiguration).delete(path, true)
        }
      }
    )
    out.persist(StorageLevel.MEMORY_AND_DISK)
    out.checkpoint()
    try out.count()
    catch { case e: Throwable => cut.release(); throw e }
    cut
  }
}
