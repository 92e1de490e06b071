// What a worker has been handed and what it has reported: whether it has work, and whether it gets anything done.

export class WorkProgress {
  private reports = 0;
  private reportsBefore = 0;
  private isAsked = false;
  /** Of so many messages a report tells. */
  private perReport = 1;

  /** It has been handed a delivery. */
  handed(): void {
    this.isAsked = true;
  }

  /** It has been handed so many deliveries, of which it will tell together. */
  handedTogether(count: number): void {
    this.isAsked = true;
    this.perReport = count;
  }

  /** It has told of so many deliveries that they ended, or sent as many chunks of replies. */
  reported(count: number): void {
    this.reports += count * this.perReport;
    this.isAsked = false;
  }

  /** All that it has ever reported. */
  get finished(): number {
    return this.reports;
  }

  /** It has been handed something since it last reported any: what it does now may not end. */
  get isSilent(): boolean {
    return this.isAsked;
  }

  /** Whether it has had work since this was last asked. */
  hadWork(): boolean {
    const had = this.isAsked || this.reports !== this.reportsBefore;
    this.reportsBefore = this.reports;
    return had;
  }
}
