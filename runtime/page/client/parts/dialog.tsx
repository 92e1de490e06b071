// A dialog over the page. Esc and Cancel close it and change nothing.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => element.current?.showModal(), []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

export interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  /** What the button says. */
  readonly verb: string;
  readonly danger?: boolean;
  /** What is to be chosen before. */
  readonly children?: ComponentChildren;
  readonly onYes: () => void;
  readonly onClose: () => void;
}

export function Confirm({ title, text, verb, danger = false, children, onYes, onClose }: ConfirmProps) {
  const yes = () => {
    onYes();
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      {children}
      <div class="buttons end">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class={danger ? "danger" : "primary"} onClick={yes}>
          {verb}
        </button>
      </div>
    </Dialog>
  );
}
