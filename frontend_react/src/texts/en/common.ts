export const common = {
  loading: "Loading",
  tryAgain: "Try again",
  failed: "This could not be loaded.",
  close: "Close",
  cancel: "Cancel",
  undo: "Undo",
};
